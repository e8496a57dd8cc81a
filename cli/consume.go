package cli

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"flashq/client"
)

// wanted is what both ways of reading a topic are told: as a member of a group, and without one.
type wanted struct {
	topic             string
	show              showing
	maxRecords, count int
}

func consumeCommand() *cobra.Command {
	w := &wanted{show: newShowing()}
	t, r := &target{}, &reading{wanted: w}
	f := &consuming{wanted: w, from: &word{allowed: []string{"earliest", "latest"}}}
	c := &cobra.Command{
		Use:   "consume TOPIC",
		Short: "Read a topic's records: what is there, as they come, or as a member of a consumer group",
		Long: "Read a topic's records. Without a group it reads what is there when it starts, from the earliest record\n" +
			"on or as --offset, --since and --until say, and ends; --follow goes on with what comes, until Ctrl-C. That\n" +
			"leaves nothing on the broker. Ends are exclusive: 100..200 is a hundred offsets. Order holds in a partition.\n\n" +
			"With --group, the members of the group share the topic's partitions, until Ctrl-C. Records are acknowledged\n" +
			"after they were written out, with the next fetch; on Linux, what goes into a pipe, after it was read from\n" +
			"there: whatever happens, each comes at least once. Ctrl-C or SIGTERM writes out what has been given,\n" +
			"acknowledges that and leaves the group; a second one ends at once.",
		Example: "  flashq consume news\n" +
			"  flashq consume news -p 0,2 --offset 100..200 -o ndjson | jq .value\n" +
			"  flashq consume news --offset @2026-01-15T10:00..@-5m -f '%p:%o %k = %s\\n'\n" +
			"  flashq consume news --since 1d --follow\n" +
			"  flashq consume news -g readers -n 10 --from latest",
		Args: recordsOf,
		RunE: func(cmd *cobra.Command, args []string) error {
			w.topic = args[0]
			if f.group == "" && !cmd.Flags().Changed("group") {
				return r.command(cmd, t)
			}
			if err := f.check(cmd); err != nil {
				return err
			}
			return t.withClient(cmd, func(ctx context.Context, c *client.Client) error { return f.run(ctx, cmd, c) })
		},
	}
	t.defineLong(c)
	c.Flags().SortFlags = false
	r.define(c)
	c.Flags().BoolVar(&r.follow, "follow", false, "go on with what comes, until Ctrl-C")
	c.Flags().IntVarP(&w.count, "count", "n", 0, "end after so many records (default never)")
	w.define(c)
	f.define(c)
	return c
}

func (w *wanted) define(c *cobra.Command) {
	w.show.define(c)
	c.Flags().IntVar(&w.maxRecords, "max-records", 10_000, "records to take at a time, 1 to 10000 (with a group 100)")
	c.Flags().Lookup("max-records").DefValue = "0" // the help says what none means
}

func (w *wanted) check(cmd *cobra.Command) error {
	switch {
	case w.maxRecords < 1 || w.maxRecords > mostRecords:
		return fmt.Errorf("--max-records %d; allowed: 1 to 10000", w.maxRecords)
	case cmd.Flags().Changed("count") && w.count < 1:
		return fmt.Errorf("--count %d; allowed: 1 and more", w.count)
	}
	return w.show.begin(cmd, w.topic)
}

// recordsOf demands a topic, and knows a habit: elsewhere -f stands for follow, and takes no value.
func recordsOf(cmd *cobra.Command, args []string) error {
	err := checkArguments(cmd, args)
	if format := cmd.Flags().Lookup("format"); err != nil && len(args) == 0 && format.Changed {
		follow := " --follow"
		if cmd.Name() == "tail" {
			follow = ""
		}
		return fmt.Errorf("%w; -f is a format here; to follow: flashq %s TOPIC%s", err, below(cmd), follow)
	}
	return err
}

func (f *consuming) define(c *cobra.Command) {
	fs := c.Flags()
	fs.StringVarP(&f.group, "group", "g", "", "consumer group to be a member of")
	fs.StringVar(&f.member, "member", "", "name of this member (default: host name, process id and a random number)")
	fs.DurationVar(&f.session, "session", 30*time.Second, "lease: silent for so long, it loses its partitions; 1s to 5m")
	fs.Var(f.from, "from", "where a group begins that is not there yet (default earliest)")
}

func (f *consuming) check(cmd *cobra.Command) error {
	fs := cmd.Flags()
	switch other := given(fs, "partition", "offset", "since", "until"); {
	case f.group == "":
		return errors.New(`--group ""; allowed: the name of a consumer group`)
	case other != "":
		return fmt.Errorf("--%s and --group are both given; allowed: one of them: a group shares the partitions out and "+
			"goes on where it is, which flashq group reset sets", other)
	case fs.Changed("member") && f.member == "":
		return errors.New(`--member ""; allowed: a name that no other member of the group has`)
	case f.session < time.Second || f.session > 5*time.Minute || f.session%time.Millisecond != 0:
		return fmt.Errorf("--session %s; allowed: 1s to 5m, in whole milliseconds", f.session)
	}
	if !fs.Changed("max-records") {
		f.maxRecords = 100 // what a member that dies has in hand comes again
	}
	if f.member == "" {
		f.member = memberName()
	}
	return f.wanted.check(cmd)
}

// given is the first of some flags that is.
func given(fs *pflag.FlagSet, names ...string) string {
	for _, name := range names {
		if fs.Changed(name) {
			return name
		}
	}
	return ""
}

// memberName is one that no other process has, of characters that a name may have.
func memberName() string {
	host, err := os.Hostname()
	if err != nil {
		host = "member"
	}
	host = strings.Trim(strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_':
			return r
		}
		return '-'
	}, clip(host, 100)), "-")
	return fmt.Sprintf("m-%s-%d-%06x", host, os.Getpid(), rand.IntN(1<<24))
}

// run reads until something ends it, and leaves the group in any case.
func (f *consuming) run(ctx context.Context, cmd *cobra.Command, c *client.Client) error {
	f.cmd, f.client = cmd, c
	defer holdPipe()() // there is a group to leave first

	err := f.begin(ctx)
	if err == nil {
		err = f.read(ctx)
	}
	if errors.Is(err, errUntaken) { // a signal ended the wait for it
		f.warnf("%s, is not acknowledged and comes again", err)
		err = nil
	}
	return errors.Join(err, f.leave(ctx))
}
