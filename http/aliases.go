package http

import (
	"flashq/broker"
	"flashq/http/fault"
	"flashq/http/fetch"
	"flashq/http/request"
)

// The routes of FlashQ in Rust, for its clients: what they do is done by the canonical routes, and only what is said
// differently is here. An unknown group is always 404.

// aliasGroup tells that a group was made.
type aliasGroup struct {
	GroupID string `json:"group_id" doc:"its name" example:"billing"`
}

// aliasOffsetView is where a group stands in partition 0.
type aliasOffsetView struct {
	Topic     string    `json:"topic" example:"news"`
	Committed int64     `json:"committed_offset" doc:"the next record to read" example:"15"`
	High      int64     `json:"high_water_mark" doc:"offset of the next record to be written" example:"20"`
	Lag       int64     `json:"lag" doc:"records that it has left" example:"5"`
	Last      timestamp `json:"last_commit_time" nullable:"true" doc:"null where nothing was committed"`
}

// SchemaName implements schema.Named.
func (aliasOffsetView) SchemaName() string { return "AliasOffset" }

// aliasCommitted is what a commit in partition 0 came to.
type aliasCommitted struct {
	GroupID   string    `json:"group_id" example:"billing"`
	Topic     string    `json:"topic" example:"news"`
	Offset    int64     `json:"offset" doc:"what was asked for" example:"10"`
	Committed int64     `json:"committed_offset" doc:"the next record to read" example:"10"`
	Timestamp timestamp `json:"timestamp" doc:"of the commit"`
}

// aliasCreateGroup is POST /consumer/{group}. Its body may repeat the name, which means nothing, and say start.
func (s *Server) aliasCreateGroup(c *call) (aliasGroup, error) {
	name := c.names.group
	created, err := s.makeGroup(c, groupMembers.ParseLenient)
	if err != nil {
		return aliasGroup{}, err
	}
	if !created {
		return aliasGroup{}, fault.Conflict.New("Group '"+name+"' exists", fault.Details{"group": name})
	}
	return aliasGroup{name}, nil
}

// aliasDeleteGroup is DELETE /consumer/{group}.
func (s *Server) aliasDeleteGroup(c *call) (noContent, error) {
	return s.deleteGroup(c, deleteGroupQuery{force: true})
}

// aliasQuery reads the query of GET /consumer/{group}/topic/{topic}/record/offset.
func aliasQuery(c *call) (fetch.Query, error) {
	return fetch.ParseAlias(c.ctx.URI().QueryString(), c.ctx.IsHead(), c.names.group)
}

// aliasTimeQuery reads that of GET /consumer/{group}/topic/{topic}/record/time?from_time=.
func aliasTimeQuery(c *call) (fetch.Query, error) {
	q, err := aliasQuery(c)
	if err == nil && q.Start.Kind != fetch.FromTime {
		err = request.BadParam("from_time", "is needed on this route")
	}
	return q, err
}

// aliasOffset is GET /consumer/{group}/topic/{topic}/offset: partition 0 of the topic, whose beginning counts as
// committed where nothing is.
func (s *Server) aliasOffset(c *call) (view aliasOffsetView, err error) {
	group, err := s.aliasKnown(c)
	if err != nil {
		return view, err
	}
	rows, err := s.newFigures(c).rows(group, c.names.topic)
	if err != nil {
		return view, err
	}
	row := rows[0]
	committed := row.High - row.Lag
	if row.Committed != nil {
		committed = *row.Committed
	}
	return aliasOffsetView{c.names.topic, committed, row.High, row.Lag, row.Timestamp}, nil
}

// aliasKnown gives the path's group; it and the topic have to be there.
func (s *Server) aliasKnown(c *call) (broker.Group, error) {
	group, err := s.cfg.Broker.Group(s.life.calls, c.names.group, c.names.topic)
	if err == nil {
		_, err = s.topic(c.names.topic)
	}
	return group, err
}

var aliasCommitMembers = request.Members[commitItem]{
	{Name: "offset", Needed: true, Type: offsetType, Set: (*commitItem).setOffset},
	{Name: "metadata", Type: metadataType, Set: (*commitItem).setMetadata},
}

// aliasCommit is POST /consumer/{group}/topic/{topic}/offset {"offset":10,"metadata":"..."}, for partition 0.
func (s *Server) aliasCommit(c *call) (view aliasCommitted, err error) {
	group, err := s.aliasKnown(c)
	if err != nil {
		return view, err
	}
	item := commitItem{offset: -1}
	_, err = s.readJSON(c, func(body []byte) error { return aliasCommitMembers.ParseLenient(body, &item) })
	if err != nil {
		return view, err
	}
	if item.offset < 0 {
		return view, request.Missing("offset")
	}
	offset := broker.CommitOffset{Topic: c.names.topic, Offset: item.offset, Metadata: item.metadata}
	done, err := s.cfg.Broker.Commit(s.life.calls, broker.Commit{
		Group: group.Name, Offsets: []broker.CommitOffset{offset},
	})
	if err != nil {
		return view, err
	}
	return aliasCommitted{group.Name, c.names.topic, item.offset, done[0].Offset, timestamp(done[0].Timestamp)}, nil
}
