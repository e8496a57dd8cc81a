package http

import (
	"flashq/auth"
	"flashq/http/fetch"
	"flashq/http/request"
)

// The scopes of routes.
const open, read, write, admin = auth.Open, auth.Read, auth.Write, auth.Admin

// routes is the whole surface on one screen, and the one place that knows it.
func (s *Server) routes() []route { //nolint:funlen // a table
	const get, put, post, del = "GET", "PUT", "POST", "DELETE"
	var none []request.Media
	one, bodies, answers := request.OnlyJSON, request.RecordBodies, request.RecordAnswers
	return []route{
		{get, "/topics", read, none, one, query(topicListParams, s.listTopics),
			"list topics"},
		{get, "/topics/{topic}", read, none, one, plain(s.describeTopic),
			"describe a topic"},
		{put, "/topics/{topic}", admin, one, one, plain(s.putTopic).upTo(smallBody),
			"create a topic, or change its settings"},
		{del, "/topics/{topic}", admin, none, none, plain(s.deleteTopic),
			"delete a topic with its records"},
		{get, "/topics/{topic}/offsets", read, none, one, query(topicOffsetsParams, s.topicOffsets),
			"where a topic's partitions begin, end, or were at a time"},
		{get, "/topics/{topic}/records", read, none, answers, s.fetching(fetch.Params, fetchQuery),
			"read records"},
		{post, "/topics/{topic}/records", write, bodies, one, s.producing(false),
			"append records"},

		{get, "/groups", read, none, one, query(groupListParams, s.listGroups),
			"list consumer groups"},
		{get, "/groups/{group}", read, none, one, plain(s.describeGroup),
			"describe a consumer group"},
		{put, "/groups/{group}", read, one, one, plain(s.putGroup).upTo(smallBody),
			"create a consumer group"},
		{del, "/groups/{group}", admin, none, none, query(deleteGroupParams, s.deleteGroup),
			"delete a consumer group"},
		{put, "/groups/{group}/members/{member}", read, one, one, plain(s.putMember).upTo(smallBody),
			"join a group, or stay in it"},
		{del, "/groups/{group}/members/{member}", read, none, none, plain(s.deleteMember),
			"leave a group"},
		{get, "/groups/{group}/offsets", read, none, one, query(groupOffsetsParams, s.groupOffsets),
			"what a group committed, and its lag"},
		{post, "/groups/{group}/offsets", read, one, one, query(commitParams, s.commit).upTo(mostCommitBody),
			"commit or reset a group's offsets"},

		// The routes of FlashQ in Rust (aliases.go).
		{post, "/topic/{topic}/record", write, bodies, one, s.producing(true),
			"append records"},
		{post, "/consumer/{group}", read, one, one, plain(s.aliasCreateGroup).upTo(smallBody),
			"create a consumer group"},
		{del, "/consumer/{group}", admin, none, none, plain(s.aliasDeleteGroup),
			"delete a consumer group"},
		{get, "/consumer/{group}/topic/{topic}/record/offset", read, none, answers,
			s.fetching(fetch.AliasParams, aliasQuery),
			"read a group's records"},
		{get, "/consumer/{group}/topic/{topic}/record/time", read, none, answers,
			s.fetching(fetch.AliasParams, aliasTimeQuery),
			"read a group's records from a time on"},
		{get, "/consumer/{group}/topic/{topic}/offset", read, none, one, plain(s.aliasOffset),
			"what a group committed in partition 0"},
		{post, "/consumer/{group}/topic/{topic}/offset", read, one, one, plain(s.aliasCommit).upTo(smallBody),
			"commit in partition 0"},

		{get, "/", open, none, one, plain(s.index),
			"what this is, and what to try"},
		{get, "/health", open, none, one, plain(s.health),
			"whether the process serves"},
		{get, "/ready", open, none, one, plain(s.ready),
			"whether the broker takes writes"},
		{get, "/metrics", s.cfg.MetricsScope(), none, one, plain(s.metricsPage),
			"figures for Prometheus, as text"},
		{get, "/stats", auth.ReadAll, none, request.JSONOrEvents, query(statsParams, s.stats),
			"figures with rates, once or every second"},
	}
}
