package http

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/valyala/fasthttp"

	"flashq/broker"
)

// committedRow is what a commit came to in one partition.
type committedRow struct {
	Topic     string    `json:"topic"`
	Partition int       `json:"partition"`
	Committed int64     `json:"committed_offset"`
	Previous  *int64    `json:"previous_offset"`
	Timestamp timestamp `json:"timestamp"`
}

// commit is POST /groups/{group}/offsets: a commit, or a reset, which is a commit by another name.
func (s *Server) commit(ctx *fasthttp.RequestCtx) error {
	name, err := groupName(ctx)
	if err != nil {
		return err
	}
	if s.draining() {
		return broker.ErrDraining
	}
	c := broker.Commit{Group: name, Create: !s.cfg.NoAutoCreate}
	err = eachParam(ctx, []string{"dry_run", "force"}, func(param string, value []byte) error {
		given, err := boolParam(param, value)
		if param == "dry_run" {
			c.DryRun = given
		}
		return err // without members there is nothing to force
	})
	if err == nil {
		err = wantJSON(ctx)
	}
	if err != nil {
		return err
	}
	items, err := s.readCommit(ctx)
	if err != nil {
		return err
	}
	if c.Offsets, err = s.resolve(items); err != nil {
		return err
	}
	done, err := s.cfg.Broker.Commit(s.calls, c)
	if err != nil {
		return commitFault(err, c)
	}
	writeJSON(ctx, fasthttp.StatusOK, struct {
		Offsets []committedRow `json:"offsets"`
	}{committedRows(c, done)})
	return nil
}

func committedRows(c broker.Commit, done []broker.Committed) []committedRow {
	rows := make([]committedRow, len(done))
	for i, d := range done {
		rows[i] = committedRow{
			Topic: c.Offsets[i].Topic, Partition: c.Offsets[i].Partition, Committed: d.Offset,
			Timestamp: timestamp(d.Timestamp),
		}
		if d.Previous >= 0 {
			rows[i].Previous = &d.Previous
		}
	}
	return rows
}

// readCommit reads the body of a commit. A member's commit is one of somebody who holds no partition here.
func (s *Server) readCommit(ctx *fasthttp.RequestCtx) (items []commitItem, err error) {
	given := false
	err = s.jsonBody(ctx, func(body []byte) error {
		given = true
		fields, err := splitObject(body)
		if err != nil {
			return err
		}
		if items, err = parseCommitItems(fields["offsets"]); err != nil {
			return err
		}
		return refuseMember(fields)
	})
	if err == nil && !given {
		err = wrongType("offsets", "Member 'offsets' is missing")
	}
	return items, err
}

func refuseMember(fields map[string]json.RawMessage) error {
	raw, ok := fields["member"]
	if !ok || string(raw) == "null" {
		return nil
	}
	member, err := stringField("member", raw)
	if err != nil {
		return err
	}
	return &apiError{
		status: 409, code: "fenced", message: "Member " + quote(member) + " holds no partition of this group",
		details: details{"member": clip(member)},
	}
}

// commitFault puts what an engine says of a commit into the contract's words.
func commitFault(err error, c broker.Commit) error {
	var off *broker.OffsetError
	if errors.As(err, &off) {
		return invalidOffset(details{
			"index": off.Index, "topic": off.Topic, "partition": off.Partition, "offset": off.Offset,
			"high_water_mark": off.HighWatermark,
		}, fmt.Sprintf("Offset %d is beyond partition %d of topic '%s', whose high water mark is %d", off.Offset,
			off.Partition, off.Topic, off.HighWatermark))
	}
	return aboutGroup(err, c.Group)
}
