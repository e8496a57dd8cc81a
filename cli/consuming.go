package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"flashq/client"
)

const (
	// pollWait is how long a fetch waits for a record. It is short, since a fetch that waits holds the lease: a process
	// that is frozen in it should not keep its partitions for long. And Ctrl-C waits for its end.
	pollWait = time.Second
	// stopGrace is what a signal leaves of time for the fetch that is under way, for its records to be read, and then for
	// each goodbye.
	stopGrace = 3 * time.Second

	firstPause, longestPause = 50 * time.Millisecond, time.Second // between tries to reach the broker
)

// consuming is one run of flashq consume as a member of a group.
type consuming struct {
	*wanted
	group, member string
	session       time.Duration
	from          *word

	// set by run
	cmd    *cobra.Command
	client *client.Client

	// owned by the loop
	ack        string // the position after what is written out and not acknowledged; "" is nothing
	generation int64  // of that
	written    int
	reached    bool // the broker has answered: from now on an absent one is waited for
	removed    bool // the group was gone at the last try
	missing    missing
	pause      time.Duration // the last one since the broker was reached; 0 is none
}

// begin makes the group where a start is asked for. A group that is there keeps its own.
func (f *consuming) begin(ctx context.Context) error {
	if f.from.value == "" {
		return nil
	}
	_, err := f.client.Group(ctx, f.group)
	if isRefused(err, "group_not_found") {
		_, err = f.client.CreateGroup(ctx, f.group, f.from.value)
	}
	return err
}

func isRefused(err error, codes ...string) bool {
	var e *client.Error
	return errors.As(err, &e) && slices.Contains(codes, e.Code)
}

// read fetches and writes until ctx ends or there were enough records.
func (f *consuming) read(ctx context.Context) error {
	for ctx.Err() == nil && (f.count == 0 || f.written < f.count) {
		page, err := f.fetch(ctx)
		if err != nil {
			if err := f.tolerate(ctx, err); err != nil {
				return err
			}
			continue
		}
		if f.pause > 0 {
			f.warnf("the broker answers again")
		}
		f.reached, f.removed, f.pause, f.ack = true, false, 0, ""
		if err := f.write(ctx, page); err != nil {
			return err
		}
		f.ack, f.generation = page.Position, page.Group.Generation
		f.warnOfDamage(ctx, page)
	}
	return nil
}

// fetch outlives the end of ctx for a moment: the records of an answer that is under way are this member's, and so it
// is known whether its acknowledgement was heard.
func (f *consuming) fetch(ctx context.Context) (*client.Fetched, error) {
	patient, cancel := outlive(ctx)
	defer cancel()
	most := f.maxRecords
	if f.count > 0 {
		most = min(most, f.count-f.written)
	}
	page, err := f.client.Fetch(patient, f.topic, client.FetchOptions{
		Group: f.group, Member: f.member, Session: f.session, Ack: f.ack, MaxRecords: most, Wait: pollWait,
		OmitHeaders: f.show.omitsHeaders(),
	})
	if err == nil && page.Group == nil {
		err = fmt.Errorf("%w: it says nothing of the group", client.ErrAnswer)
	}
	return page, err
}

// outlive gives a context that ends stopGrace after ctx.
func outlive(ctx context.Context) (context.Context, context.CancelFunc) {
	patient, cancel := context.WithCancel(context.WithoutCancel(ctx))
	forget := context.AfterFunc(ctx, func() { time.AfterFunc(stopGrace, cancel) })
	return patient, func() { forget(); cancel() }
}

// tolerate takes what need not end the loop: a membership that was lost is taken up again without an acknowledgement,
// and a broker that is away or busy is asked again. Any other error is given back.
func (f *consuming) tolerate(ctx context.Context, err error) error {
	var e *client.Error
	switch {
	case isRefused(err, "fenced", "member_not_found"), isRefused(err, "group_not_found") && !f.removed:
		f.removed = isRefused(err, "group_not_found")
		f.warnf("%s", oneLine(err))
		f.warnf("joining again; what was not acknowledged comes again")
		f.ack = ""
		return nil
	case errors.Is(err, client.ErrUnreachable) && f.reached, errors.As(err, &e) && e.Retryable:
		if f.pause == 0 {
			f.warnf("%s; trying again", oneLine(err))
		}
		f.pause = min(max(2*f.pause, firstPause), longestPause)
		idle(ctx, f.pause)
		return nil
	}
	return err
}

// idle waits, or until ctx ends.
func idle(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

func (f *consuming) warnf(format string, args ...any) {
	f.cmd.PrintErrf("flashq: "+format+"\n", args...)
}

// leave acknowledges what was written out last, and ends the membership, so that others get the partitions at once.
func (f *consuming) leave(ctx context.Context) error {
	if !f.reached {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopGrace)
	defer cancel()
	var err error
	if items := f.unacknowledged(); items != nil {
		_, err = f.client.Commit(ctx, f.group, items, client.CommitOptions{Member: f.member, Generation: f.generation})
	}
	if err != nil {
		f.warnf("%s", oneLine(err))
		f.warnf("what was written last is not acknowledged, and comes again")
	}
	if isRefused(err, "fenced", "member_not_found", "group_not_found", "topic_not_found") {
		err = nil // it is not a member any more, which is what it wants
	}
	left := f.client.LeaveGroup(ctx, f.group, f.member)
	if isRefused(left, "member_not_found", "group_not_found") {
		left = nil
	}
	return errors.Join(err, left)
}

// unacknowledged is a commit of the position that is written out: g7;0:15,2:7.
func (f *consuming) unacknowledged() (items []client.CommitItem) {
	_, marks, _ := strings.Cut(f.ack, ";")
	for partition, offset := range offsetsOf(marks) {
		items = append(items, client.CommitItem{Topic: f.topic, Partition: &partition, Offset: &offset})
	}
	return items
}
