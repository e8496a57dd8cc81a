package http

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"

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
		} else {
			c.Force = given
		}
		return err
	})
	if err == nil {
		err = wantJSON(ctx)
	}
	if err != nil {
		return err
	}
	items, err := s.readCommit(ctx, &c)
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

// readCommit reads the body of a commit; who commits goes into c.
func (s *Server) readCommit(ctx *fasthttp.RequestCtx, c *broker.Commit) (items []commitItem, err error) {
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
		return setMember(c, fields)
	})
	if err == nil && !given {
		err = wrongType("offsets", "Member 'offsets' is missing")
	}
	return items, err
}

// setMember takes who commits: a member tells since which generation it holds what it speaks of, and only a member
// does.
func setMember(c *broker.Commit, fields map[string]json.RawMessage) (err error) {
	member, generation := given(fields["member"]), given(fields["generation"])
	switch {
	case member == nil && generation == nil:
		return nil
	case member == nil:
		return wrongType("member", "Member 'member' is missing beside 'generation'")
	case generation == nil:
		return wrongType("generation", "Member 'generation' is missing: a member commits what it holds since then")
	}
	if c.Member, err = stringField("member", member); err != nil {
		return err
	}
	if err := checkName("member", c.Member, maxGroupName); err != nil {
		return err
	}
	c.Generation, err = intField("generation", generation, 0, math.MaxInt32, false)
	return err
}

// given takes null for absent.
func given(raw json.RawMessage) json.RawMessage {
	if string(raw) == "null" {
		return nil
	}
	return raw
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
	return aboutMember(err, c.Group, c.Member)
}
