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

	"flashq/client"
)

func consumeCommand() *cobra.Command {
	t, f := &target{}, &consuming{out: newOutput(), from: &word{allowed: []string{"earliest", "latest"}}}
	c := &cobra.Command{
		Use:   "consume TOPIC",
		Short: "Read records as a member of a consumer group, as they come, until Ctrl-C",
		Long: "Read records as a member of a consumer group, as they come, until Ctrl-C. The members of a group share the\n" +
			"topic's partitions. Records are acknowledged after they were written out, with the next fetch; on Linux, what\n" +
			"goes into a pipe, after it was read from there: whatever happens, each comes at least once. Ctrl-C or SIGTERM\n" +
			"writes out what has been given, acknowledges that and leaves the group; a second one ends at once.",
		Example: "  flashq consume news -g readers\n" +
			"  flashq consume news -g readers -o ndjson | jq .value\n" +
			"  flashq consume news -g readers --count 10 --from latest",
		Args: checkArguments,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(cmd); err != nil {
				return err
			}
			f.topic = args[0]
			return t.withClient(cmd, func(ctx context.Context, c *client.Client) error { return f.run(ctx, cmd, c) })
		},
	}
	t.define(c)
	f.define(c)
	return c
}

func (f *consuming) define(c *cobra.Command) {
	fs := c.Flags()
	fs.SortFlags = false
	fs.StringVarP(&f.group, "group", "g", "", "consumer group to be a member of")
	fs.StringVar(&f.member, "member", "", "name of this member (default: host name, process id and a random number)")
	fs.DurationVar(&f.session, "session", 30*time.Second, "lease: silent for so long, it loses its partitions; 1s to 5m")
	fs.IntVar(&f.maxRecords, "max-records", 100, "records to take at a time, 1 to 10000")
	fs.IntVar(&f.count, "count", 0, "leave after so many records (default never)")
	fs.Var(f.from, "from", "where a group begins that is not there yet (default earliest)")
	fs.BoolVar(&f.headers, "include-headers", true, "show the records' headers")
	f.out.define(c)
}

func (f *consuming) check(cmd *cobra.Command) error {
	fs := cmd.Flags()
	switch {
	case f.group == "":
		return errors.New("--group is missing; allowed: the name of a consumer group, as -g NAME")
	case fs.Changed("member") && f.member == "":
		return errors.New(`--member ""; allowed: a name that no other member of the group has`)
	case f.session < time.Second || f.session > 5*time.Minute || f.session%time.Millisecond != 0:
		return fmt.Errorf("--session %s; allowed: 1s to 5m, in whole milliseconds", f.session)
	case f.maxRecords < 1 || f.maxRecords > 10_000:
		return fmt.Errorf("--max-records %d; allowed: 1 to 10000", f.maxRecords)
	case fs.Changed("count") && f.count < 1:
		return fmt.Errorf("--count %d; allowed: 1 and more", f.count)
	}
	if f.member == "" {
		f.member = memberName()
	}
	return nil
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
