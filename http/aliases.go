package http

import (
	"github.com/valyala/fasthttp"

	"flashq/broker"
)

// The routes of the system that FlashQ took its API from, for its clients: what they do is done by the canonical
// routes, and only what is said differently is here. An unknown group is always 404.

// aliasCreateGroup is POST /consumer/{group}. Its body may repeat the name, which means nothing, and say start.
func (s *Server) aliasCreateGroup(ctx *fasthttp.RequestCtx) error {
	name, created, err := s.makeGroup(ctx)
	if err != nil {
		return err
	}
	if !created {
		return &apiError{
			status: 409, code: "conflict", message: "Group '" + name + "' exists", details: details{"group": name},
		}
	}
	writeJSON(ctx, fasthttp.StatusOK, struct {
		GroupID string `json:"group_id"`
	}{name})
	return nil
}

// aliasDeleteGroup is DELETE /consumer/{group}.
func (s *Server) aliasDeleteGroup(ctx *fasthttp.RequestCtx) error {
	name, err := groupName(ctx)
	if err == nil {
		err = noParams(ctx)
	}
	if err != nil {
		return err
	}
	return s.endGroup(ctx, name, true)
}

// aliasFetchByOffset is GET /consumer/{group}/topic/{topic}/record/offset.
func (s *Server) aliasFetchByOffset(ctx *fasthttp.RequestCtx) error {
	return s.aliasFetch(ctx, func(fetchQuery) error { return nil })
}

// aliasFetchByTime is GET /consumer/{group}/topic/{topic}/record/time?from_time=.
func (s *Server) aliasFetchByTime(ctx *fasthttp.RequestCtx) error {
	return s.aliasFetch(ctx, func(q fetchQuery) error {
		if q.selector != "from_time" {
			return badParam("from_time", "is needed on this route")
		}
		return nil
	})
}

// aliasFetch reads partition 0 unless one is given, for the group that the path names.
func (s *Server) aliasFetch(ctx *fasthttp.RequestCtx, check func(fetchQuery) error) error {
	group, topic, err := aliasNames(ctx)
	if err != nil {
		return err
	}
	query, err := parseFetchQuery(ctx, aliasFetchParams)
	if err == nil {
		err = check(query)
	}
	if err != nil {
		return err
	}
	if query.partitions == nil {
		query.partitions = []int{0}
	}
	query.group = group
	return s.answerFetch(ctx, topic, query, true)
}

func aliasNames(ctx *fasthttp.RequestCtx) (group, topic string, err error) {
	if group, err = groupName(ctx); err != nil {
		return "", "", err
	}
	topic, err = topicName(ctx)
	return group, topic, err
}

// aliasOffset is GET /consumer/{group}/topic/{topic}/offset: partition 0 of the topic, whose beginning counts as
// committed where nothing is.
func (s *Server) aliasOffset(ctx *fasthttp.RequestCtx) error {
	group, topic, err := s.aliasKnown(ctx)
	if err != nil {
		return err
	}
	rows, err := s.newLook().rows(group, topic)
	if err != nil {
		return err
	}
	row := rows[0]
	committed := row.High - row.Lag
	if row.Committed != nil {
		committed = *row.Committed
	}
	writeJSON(ctx, fasthttp.StatusOK, struct {
		Topic     string    `json:"topic"`
		Committed int64     `json:"committed_offset"`
		High      int64     `json:"high_water_mark"`
		Lag       int64     `json:"lag"`
		Last      timestamp `json:"last_commit_time"`
	}{topic, committed, row.High, row.Lag, row.Timestamp})
	return nil
}

// aliasKnown gives the path's group and topic, both of which have to be there.
func (s *Server) aliasKnown(ctx *fasthttp.RequestCtx) (group broker.Group, topic string, err error) {
	name, topic, err := aliasNames(ctx)
	if err == nil {
		err = noParams(ctx)
	}
	if err == nil {
		err = wantJSON(ctx)
	}
	if err != nil {
		return group, "", err
	}
	if group, err = s.cfg.Broker.Group(s.calls, name, topic); err != nil {
		return group, "", aboutGroup(err, name)
	}
	_, err = s.topic(topic)
	return group, topic, err
}

// aliasCommit is POST /consumer/{group}/topic/{topic}/offset {"offset":10,"metadata":"..."}, for partition 0.
func (s *Server) aliasCommit(ctx *fasthttp.RequestCtx) error {
	if s.draining() {
		return broker.ErrDraining
	}
	group, topic, err := s.aliasKnown(ctx)
	if err != nil {
		return err
	}
	item := commitItem{topic: topic, partition: -1}
	err = s.jsonBody(ctx, func(body []byte) error {
		fields, err := splitObject(body)
		if err != nil {
			return err
		}
		if raw, ok := fields["metadata"]; ok {
			if item.metadata, err = metadataField(raw); err != nil {
				return err
			}
		}
		item.partition = 0
		return item.setOffset(fields["offset"])
	})
	if err == nil && item.partition < 0 {
		err = wrongType("offset", "Member 'offset' is missing")
	}
	if err != nil {
		return err
	}
	offset := broker.CommitOffset{Topic: topic, Offset: item.offset, Metadata: item.metadata}
	c := broker.Commit{Group: group.Name, Offsets: []broker.CommitOffset{offset}}
	done, err := s.cfg.Broker.Commit(s.calls, c)
	if err != nil {
		return aboutTopic(commitFault(err, c), topic)
	}
	writeJSON(ctx, fasthttp.StatusOK, struct {
		GroupID   string    `json:"group_id"`
		Topic     string    `json:"topic"`
		Offset    int64     `json:"offset"`
		Committed int64     `json:"committed_offset"`
		Timestamp timestamp `json:"timestamp"`
	}{group.Name, topic, item.offset, done[0].Offset, timestamp(done[0].Timestamp)})
	return nil
}
