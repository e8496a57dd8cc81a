package http

import (
	"slices"

	"flashq/auth"
	"flashq/http/fault"
	"flashq/http/fetch"
	"flashq/http/schema"
)

// The scopes of routes.
const open, read, write, admin = auth.Open, auth.Read, auth.Write, auth.Admin

// routes is the whole surface, and this file the one place that knows it.
func (s *Server) routes() []route {
	return slices.Concat(s.topicRoutes(), s.groupRoutes(), s.aliasRoutes(), s.otherRoutes())
}

func (s *Server) topicRoutes() []route {
	return []route{
		{"GET", "/topics", read, "listTopics", query(topicListParams, s.listTopics).fails(fault.OutOfRange),
			"list topics"},
		{"GET", "/topics/{topic}", read, "getTopic", plain(s.describeTopic).fails(fault.TopicNotFound),
			"describe a topic"},
		{"PUT", "/topics/{topic}", admin, "putTopic", plain(s.putTopic).creates().
			reads(s.topicBody(), false, smallBody).fails(fault.Conflict, fault.PartitionsImmutable),
			"create a topic, or change its settings"},
		{"DELETE", "/topics/{topic}", admin, "deleteTopic", plain(s.deleteTopic).fails(fault.TopicNotFound),
			"delete a topic with its records"},
		{"GET", "/topics/{topic}/offsets", read, "getTopicOffsets",
			query(topicOffsetsParams, s.topicOffsets).fails(fault.TopicNotFound),
			"where a topic's partitions begin, end, or were at a time"},
		{"GET", "/topics/{topic}/records", read, "fetchRecords",
			s.fetching(fetch.Params, fetchQuery).fails(fault.MemberNotFound, fault.Conflict),
			"read records"},
		{"POST", "/topics/{topic}/records", write, "produceRecords", s.producing(false),
			"append records"},
	}
}

func (s *Server) groupRoutes() []route {
	return []route{
		{"GET", "/groups", read, "listGroups", query(groupListParams, s.listGroups).fails(fault.OutOfRange),
			"list consumer groups"},
		{"GET", "/groups/{group}", read, "getGroup",
			plain(s.describeGroup).fails(fault.GroupNotFound),
			"describe a consumer group"},
		{"PUT", "/groups/{group}", read, "putGroup", plain(s.putGroup).creates().
			reads(groupMembers.Schema(), false, smallBody).fails(fault.Conflict),
			"create a consumer group"},
		{"DELETE", "/groups/{group}", admin, "deleteGroup",
			query(deleteGroupParams, s.deleteGroup).fails(fault.GroupNotFound, fault.GroupActive),
			"delete a consumer group"},
		{"PUT", "/groups/{group}/members/{member}", read, "putMember", plain(s.putMember).
			reads(memberMembers.Schema(), false, smallBody).fails(fault.GroupNotFound, fault.Conflict),
			"join a group, or stay in it"},
		{"DELETE", "/groups/{group}/members/{member}", read, "deleteMember",
			plain(s.deleteMember).fails(fault.GroupNotFound, fault.MemberNotFound),
			"leave a group"},
		{"GET", "/groups/{group}/offsets", read, "getGroupOffsets",
			query(groupOffsetsParams, s.groupOffsets).fails(fault.GroupNotFound, fault.TopicNotFound),
			"what a group committed, and its lag"},
		{"POST", "/groups/{group}/offsets", read, "commitOffsets", query(commitParams, s.commit).
			reads(commitSchema(), true, mostCommitBody).fails(fault.GroupNotFound, fault.TopicNotFound,
			fault.PartitionNotFound, fault.InvalidOffset, fault.Fenced, fault.GroupActive, fault.Conflict),
			"commit or reset a group's offsets"},
	}
}

// aliasRoutes are those of FlashQ in Rust (aliases.go).
func (s *Server) aliasRoutes() []route {
	return []route{
		{"POST", "/topic/{topic}/record", write, "aliasProduceRecords", s.producing(true),
			"append records"},
		{"POST", "/consumer/{group}", read, "aliasCreateGroup", plain(s.aliasCreateGroup).
			reads(lenient(groupMembers.Schema()), false, smallBody).fails(fault.Conflict),
			"create a consumer group"},
		{"DELETE", "/consumer/{group}", admin, "aliasDeleteGroup", plain(s.aliasDeleteGroup).fails(fault.GroupNotFound),
			"delete a consumer group"},
		{"GET", "/consumer/{group}/topic/{topic}/record/offset", read, "aliasFetchRecords",
			s.fetching(fetch.AliasParams, aliasQuery),
			"read a group's records"},
		{"GET", "/consumer/{group}/topic/{topic}/record/time", read, "aliasFetchRecordsFrom",
			s.fetching(fetch.AliasParams, aliasTimeQuery).needs("from_time"),
			"read a group's records from a time on"},
		{"GET", "/consumer/{group}/topic/{topic}/offset", read, "aliasGetOffset",
			plain(s.aliasOffset).fails(fault.GroupNotFound, fault.TopicNotFound),
			"what a group committed in partition 0"},
		{"POST", "/consumer/{group}/topic/{topic}/offset", read, "aliasCommitOffset", plain(s.aliasCommit).
			reads(lenient(aliasCommitMembers.Schema()), true, smallBody).
			fails(fault.GroupNotFound, fault.TopicNotFound, fault.InvalidOffset, fault.GroupActive, fault.Conflict),
			"commit in partition 0"},
	}
}

func (s *Server) otherRoutes() []route {
	return []route{
		{"GET", "/", open, "index", plain(s.index),
			"what this is, and what to try"},
		{"GET", "/health", open, "health", plain(s.health),
			"whether the process serves"},
		{"GET", "/ready", open, "ready", plain(s.ready).notReady(),
			"whether the broker takes writes"},
		{"GET", "/metrics", s.cfg.MetricsScope(), "metrics", plain(s.metricsPage).writes("text/plain",
			schema.String().Like("flashq_waiting_fetches 0\n").Says("the text format of Prometheus")).
			fails(fault.Unauthorized),
			"figures for Prometheus, as text"},
		{"GET", "/stats", auth.ReadAll, "stats", orEvents[Stats](query(statsParams, s.stats)),
			"figures with rates, once or every second"},
		{"GET", "/openapi.json", open, "openapi", s.describing(),
			"the API as an OpenAPI document"},
	}
}
