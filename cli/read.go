package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"flashq/client"
)

// reading is one run of flashq consume without a group, or of flashq tail.
type reading struct {
	*wanted
	partitions           partitions
	offset, since, until string
	follow               bool

	// set by run
	cmd    *cobra.Command
	client *client.Client
	span   span
	begun  bool // a first answer came: from now on the cursors know where to go on, before that --since may

	// owned by the loop
	cursors []cursor // of the partitions that are read, in their order
	written int
	lost    bool // something could not be read, which was told
	missing missing
	failing time.Time     // since when the broker does not answer; zero: it does
	pause   time.Duration // the last one since then
}

func (r *reading) define(c *cobra.Command) {
	fs := c.Flags()
	fs.VarP(&r.partitions, "partition", "p", "partitions to read, as 0 or 0,2 (default all)")
	fs.StringVar(&r.offset, "offset", "", "in each partition: "+spanForms)
	fs.StringVar(&r.since, "since", "", "begin at a time: "+whenForms)
	fs.StringVar(&r.until, "until", "", "end before a time, written as --since")
}

// command does the whole of a command line.
func (r *reading) command(cmd *cobra.Command, t *target) error {
	if err := r.check(cmd, time.Now()); err != nil {
		return err
	}
	return t.withClient(cmd, func(ctx context.Context, c *client.Client) error { return r.run(ctx, cmd, c) })
}

func (r *reading) check(cmd *cobra.Command, now time.Time) error {
	fs := cmd.Flags()
	if of := given(fs, "member", "session", "from"); of != "" {
		instead := ""
		if of == "from" {
			instead = "; without a group: --offset " + fs.Lookup("from").Value.String()
		}
		return fmt.Errorf("--%s is of a member of a group; add --group NAME%s", of, instead)
	}
	if fs.Changed("offset") || r.offset != "" {
		s, err := parseSpan(r.offset, now)
		if err != nil {
			return fmt.Errorf("--offset %w", err)
		}
		r.span = s
	}
	for _, end := range []struct {
		flag, text string
		at         *point
	}{{"since", r.since, &r.span.from}, {"until", r.until, &r.span.to}} {
		if !fs.Changed(end.flag) {
			continue
		}
		if end.at.kind != unsaid {
			return fmt.Errorf("--%s and --offset %s both say it; allowed: one of them", end.flag, r.offset)
		}
		at, err := parseWhen(end.text, now)
		if err != nil {
			return fmt.Errorf("--%s %w", end.flag, err)
		}
		*end.at = point{kind: atTime, time: at}
	}
	if r.span.backwards() {
		return errors.New("--until is before the start; allowed: a later time")
	}
	return r.wanted.check(cmd)
}

// run reads what was asked for. Who follows ends by a signal, and that is no failure.
func (r *reading) run(ctx context.Context, cmd *cobra.Command, c *client.Client) error {
	r.cmd, r.client = cmd, c
	topic, err := c.Topic(ctx, r.topic)
	if hint := r.partitions.portHint(); err != nil && hint != "" {
		return fmt.Errorf("%w%s", err, hint)
	}
	if err == nil {
		err = r.partitions.check(r.topic, topic.Partitions)
	}
	if err != nil {
		return err
	}
	r.place(topic)
	err = r.read(ctx)
	switch {
	case r.follow && ctx.Err() != nil && !errors.Is(err, errPipe):
		return nil
	case err == nil && r.lost:
		return errors.New("not all could be read")
	}
	return err
}

// read goes on until everything is read, there were enough records, or ctx ends.
func (r *reading) read(ctx context.Context) error {
	for !r.done() {
		page, err := r.fetch(ctx)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			if err := r.tolerate(ctx, err); err != nil {
				return err
			}
			continue
		}
		if !r.failing.IsZero() {
			r.cmd.PrintErrln("flashq: the broker answers again")
		}
		r.begun, r.failing, r.pause = true, time.Time{}, 0
		if err := r.take(ctx, page); err != nil {
			return err
		}
		if len(page.Records) == 0 && r.over(page) {
			return nil
		}
	}
	return nil
}

const (
	mostRecords = 10_000   // that one answer may hold
	mostBytes   = 16 << 20 // of their keys, values and headers
)

// fetch asks for the next page. What damage alone the broker has to answer with is a page, too.
func (r *reading) fetch(ctx context.Context) (*client.Fetched, error) {
	o := client.FetchOptions{MaxRecords: r.room(), MaxBytes: mostBytes, OmitHeaders: r.show.omitsHeaders()}
	if r.follow {
		o.Wait = pollWait
	}
	if r.span.to.kind == atTime {
		o.ToTime = moment(r.span.to.time)
	}
	o.Partitions, o.Position = r.position()
	if !r.begun && r.span.from.kind == atTime {
		o.Position, o.FromTime = "", moment(r.span.from.time)
	}
	page, err := r.client.Fetch(ctx, r.topic, o)
	if damage := damageAlone(err); damage != nil {
		return &client.Fetched{Partitions: []client.PartitionState{*damage}}, nil
	}
	return page, err
}

// room is how many records the next page may have.
func (r *reading) room() int {
	most := int64(r.maxRecords)
	if r.count > 0 {
		most = min(most, int64(r.count-r.written))
	}
	left := int64(0)
	for _, c := range r.cursors {
		if left < most {
			left += min(max(c.end-c.next, 0), most)
		}
	}
	return int(max(min(most, left), 1))
}

// take writes a page out and moves the cursors after it.
func (r *reading) take(ctx context.Context, page *client.Fetched) error {
	if err := r.write(page); err != nil {
		return err
	}
	for i := range page.Partitions {
		p := &page.Partitions[i]
		c := r.cursor(p.Partition)
		if c == nil {
			continue
		}
		if p.Error != nil && p.Error.FirstOffset >= c.end {
			p.Error = nil // nobody asked for that
		}
		c.move(*p, r.follow)
	}
	if !r.missing.tell(r.cmd, page) {
		return nil
	}
	r.lost = true
	if r.follow && len(page.Records) == 0 {
		idle(ctx, longestPause/4) // a partition that is down would be asked again and again
	}
	return nil
}

// over tells, of who follows up to a time, that it is reached and everything before it read.
func (r *reading) over(page *client.Fetched) bool {
	return r.follow && r.span.to.kind == atTime && page.Lag == 0 && time.Now().After(r.span.to.time)
}

// done tells that there is nothing left to ask for.
func (r *reading) done() bool {
	if r.count > 0 && r.written >= r.count {
		return true
	}
	for _, c := range r.cursors {
		if !c.done {
			return false
		}
	}
	return true
}

const patience = 30 * time.Second // with a broker that is away, of who does not follow

// tolerate takes what need not end the reading: a broker that was there and is away or busy is asked again.
func (r *reading) tolerate(ctx context.Context, err error) error {
	var e *client.Error
	if !errors.Is(err, client.ErrUnreachable) && (!errors.As(err, &e) || !e.Retryable) {
		return err
	}
	if r.failing.IsZero() {
		r.failing = time.Now()
		r.cmd.PrintErrf("flashq: %s; trying again\n", oneLine(err))
	}
	if !r.follow && time.Since(r.failing) > patience {
		return err
	}
	r.pause = min(max(2*r.pause, firstPause), longestPause)
	idle(ctx, r.pause)
	return ctx.Err()
}
