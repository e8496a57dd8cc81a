package cli

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"flashq/client"
)

func topicsCommand() *cobra.Command {
	t, o := &target{}, newOutput()
	c := &cobra.Command{
		Use:     "topics",
		Short:   "List the topics of a broker",
		Example: "  flashq topics\n  flashq topics -o json",
		Args:    checkArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return t.withClient(cmd, func(ctx context.Context, c *client.Client) error {
				list, err := c.Topics(ctx, true)
				if err != nil {
					return err
				}
				return o.print(cmd.OutOrStdout(), list.JSON, "details", func() string { return topicsTable(list) })
			})
		},
	}
	t.define(c)
	o.define(c)
	return c
}

func topicsTable(list *client.TopicList) string {
	var rows []table.Row
	for _, d := range list.Details {
		rows = append(rows, table.Row{
			d.Name, plain(d.Partitions), count(d.Records), size(d.Bytes), moment(d.FirstTimestamp), moment(d.LastTimestamp),
		})
	}
	return tableOf(table.Row{"topic", "partitions", "records", "size", "first record", "last record"}, rows)
}

func topicCommand() *cobra.Command {
	t := &target{}
	c := family("topic", "Create, describe or delete a topic of a broker",
		topicCreateCommand(t), topicDescribeCommand(t), topicDeleteCommand(t))
	t.define(c)
	return c
}

func topicCreateCommand(t *target) *cobra.Command {
	var partitions int
	var retentionBytes, segmentBytes bound
	var retentionMs, segmentMs ages
	o := newOutput()
	c := &cobra.Command{
		Use:   "create NAME",
		Short: "Create a topic, or change the settings of one",
		Example: "  flashq topic create orders --partitions 3\n" +
			"  flashq topic create orders --retention-ms 7d --retention-bytes 10GiB",
		Args: checkArguments,
	}
	fs := c.Flags()
	fs.SortFlags = false
	fs.IntVar(&partitions, "partitions", 1, "partitions, which can't change later (default the broker's choice)")
	fs.Lookup("partitions").DefValue = "0" // the help says what none means
	fs.Var(&retentionMs, "retention-ms", "age at which records may go, such as 7d, 90m, or milliseconds; -1: never")
	fs.Var(&retentionBytes, "retention-bytes", "size at which a partition's oldest records may go; -1: none")
	fs.Var(&segmentBytes, "segment-bytes", "size at which a segment file rolls")
	fs.Var(&segmentMs, "segment-ms", "age at which it does, from its first record on, such as 1h, or milliseconds")
	o.define(c)
	c.RunE = func(cmd *cobra.Command, args []string) error {
		config := client.TopicConfig{
			RetentionMs: retentionMs.given, RetentionBytes: retentionBytes.given, SegmentBytes: segmentBytes.given,
			SegmentMs: segmentMs.given,
		}
		if fs.Changed("partitions") {
			config.Partitions = &partitions
		}
		return t.withClient(cmd, func(ctx context.Context, c *client.Client) error {
			made, err := c.CreateTopic(ctx, args[0], config)
			if err != nil {
				return err
			}
			return o.print(cmd.OutOrStdout(), made.JSON, "details", func() string { return topicTable(made) })
		})
	}
	return c
}

// bound is a flag that holds a size with or without a unit, or -1 for unlimited.
type bound struct{ given *int64 }

// String implements pflag.Value.
func (b *bound) String() string {
	if b.given == nil {
		return ""
	}
	return strconv.FormatInt(*b.given, 10)
}

// Type implements pflag.Value.
func (*bound) Type() string { return "number" }

// Set implements pflag.Value.
func (b *bound) Set(text string) error {
	if text == "-1" {
		b.given = new(int64(-1))
		return nil
	}
	var s Size
	if err := s.Set(text); err != nil {
		return err
	}
	b.given = new(int64(s))
	return nil
}

func topicDescribeCommand(t *target) *cobra.Command {
	o := newOutput()
	c := &cobra.Command{
		Use:   "describe NAME",
		Short: "Show a topic's settings, its partitions and the groups that read it",
		Args:  checkArguments,
		RunE: func(cmd *cobra.Command, args []string) error {
			return t.withClient(cmd, func(ctx context.Context, c *client.Client) error {
				topic, err := c.Topic(ctx, args[0])
				if err != nil {
					return err
				}
				return o.print(cmd.OutOrStdout(), topic.JSON, "details", func() string { return topicTable(topic) })
			})
		},
	}
	o.define(c)
	return c
}

func topicTable(t *client.Topic) string {
	var rows []table.Row
	for _, p := range t.Details {
		rows = append(rows, table.Row{
			plain(p.Partition), plain(p.Earliest), plain(p.HighWaterMark), size(p.Bytes), plain(p.Segments),
		})
	}
	parts := []string{
		fmt.Sprintf("topic %s: %s; records stay %s; segments of %s or %s", t.Name,
			english.Plural(t.Partitions, "partition", ""), retention(t), humanize.IBytes(uint64(max(t.SegmentBytes, 0))),
			age(millis(t.SegmentMs))),
		tableOf(table.Row{"partition", "earliest", "high water mark", "size", "segments"}, rows),
	}
	if len(t.Groups) > 0 {
		rows = nil
		for _, g := range t.Groups {
			rows = append(rows, table.Row{g.Group, count(g.Lag)})
		}
		parts = append(parts, tableOf(table.Row{"group", "lag"}, rows))
	}
	return strings.Join(parts, "\n")
}

// retention says in words how long records stay.
func retention(t *client.Topic) string {
	var limits []string
	if ms := t.RetentionMs; ms >= 0 && ms <= math.MaxInt64/int64(time.Millisecond) {
		limits = append(limits, "for "+age(millis(ms)))
	}
	if t.RetentionBytes >= 0 {
		limits = append(limits, "within "+humanize.IBytes(uint64(t.RetentionBytes))+" a partition")
	}
	if limits == nil {
		return "for ever"
	}
	return strings.Join(limits, " and ")
}

// millis is a duration as the API tells it, or the longest that there is.
func millis(n int64) time.Duration {
	return time.Duration(min(n, math.MaxInt64/int64(time.Millisecond))) * time.Millisecond
}

// age prefers whole days to Go's hours.
func age(d time.Duration) string {
	const day = 24 * time.Hour
	if d >= day && d%day == 0 {
		return english.Plural(int(d/day), "day", "")
	}
	return d.String()
}

func topicDeleteCommand(t *target) *cobra.Command {
	return &cobra.Command{
		Use:   "delete NAME",
		Short: "Delete a topic with all its records",
		Args:  checkArguments,
		RunE: func(cmd *cobra.Command, args []string) error {
			return t.withClient(cmd, func(ctx context.Context, c *client.Client) error {
				if err := c.DeleteTopic(ctx, args[0]); err != nil {
					return err
				}
				cmd.PrintErrf("topic %s is deleted\n", args[0])
				return nil
			})
		},
	}
}
