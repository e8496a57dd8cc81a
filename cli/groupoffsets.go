package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"flashq/client"
)

// setting is one run of a command that sets a group's offsets.
type setting struct {
	options client.CommitOptions
	out     output
}

func (s *setting) define(c *cobra.Command) {
	fs := c.Flags()
	fs.BoolVar(&s.options.DryRun, "dry-run", false, "show what would be, and change nothing")
	fs.BoolVar(&s.options.Force, "force", false, "although members live; what they acknowledge from before counts no more")
	s.out.define(c)
}

func (s *setting) run(
	ctx context.Context, cmd *cobra.Command, c *client.Client, group string, items []client.CommitItem,
) error {
	done, err := c.Commit(ctx, group, items, s.options)
	if err != nil {
		return byForce(err)
	}
	show := func() string { return committedTable(done) }
	if err := s.out.print(cmd.OutOrStdout(), done.JSON, "offsets", show); err != nil {
		return err
	}
	if s.options.DryRun {
		cmd.PrintErrln("this was a dry run: nothing is changed")
	}
	return nil
}

func groupCommitCommand(t *target) *cobra.Command {
	s, metadata := &setting{out: newOutput()}, ""
	c := &cobra.Command{
		Use:   "commit GROUP TOPIC:PARTITION=OFFSET...",
		Short: "Set where a consumer group goes on, partition by partition: all of them or none",
		Long: "Set where a consumer group goes on, partition by partition: all of them or none. OFFSET is the next record\n" +
			"to read: a number, earliest, latest, or a time (RFC 3339, or ago as -15m). TOPIC=OFFSET is the whole topic.",
		Example: "  flashq group commit audit news:0=15 news:1=latest --metadata 'batch 42'",
		Args:    checkArguments,
		RunE: func(cmd *cobra.Command, args []string) error {
			var items []client.CommitItem
			for _, text := range args[1:] {
				item, err := parseItem(text)
				if err != nil {
					return err
				}
				item.Metadata = metadata
				items = append(items, item)
			}
			return t.withClient(cmd, func(ctx context.Context, c *client.Client) error {
				return s.run(ctx, cmd, c, args[0], items)
			})
		},
	}
	c.Flags().SortFlags = false
	c.Flags().StringVar(&metadata, "metadata", "", "a note to keep with the offsets, up to 1024 characters")
	s.define(c)
	return c
}

// parseItem reads TOPIC:PARTITION=OFFSET, or TOPIC=OFFSET. No topic's name has a colon or an equals sign in it.
func parseItem(text string) (item client.CommitItem, err error) {
	where, at, ok := strings.Cut(text, "=")
	topic, partition, named := strings.Cut(where, ":")
	item.Topic = topic
	if named {
		n, err := strconv.ParseUint(partition, 10, 31)
		ok = ok && err == nil
		item.Partition = new(int(n))
	}
	if !ok || topic == "" || at == "" {
		return item, fmt.Errorf("%q; allowed: TOPIC:PARTITION=OFFSET such as news:0=15, or TOPIC=OFFSET", text)
	}
	place(&item, at)
	return item, nil
}

// place says where an item goes: a number is an offset, all else the broker's to understand.
func place(item *client.CommitItem, at string) {
	if n, err := strconv.ParseInt(at, 10, 64); err == nil {
		item.Offset = &n
		return
	}
	item.At = at
}

// resetting is one run of flashq group reset.
type resetting struct {
	setting

	to         string
	topics     []string
	partitions []int
}

func groupResetCommand(t *target) *cobra.Command {
	r := &resetting{setting: setting{out: newOutput()}}
	c := &cobra.Command{
		Use:   "reset GROUP",
		Short: "Let a consumer group go on elsewhere, forward or back",
		Long: "Let a consumer group go on elsewhere, forward or back: in all topics that it reads, or in those that are\n" +
			"named. All partitions are set or none; the answer shows where the group was before.",
		Example: "  flashq group reset audit --to earliest --dry-run\n" +
			"  flashq group reset audit --to -15m --topic news\n" +
			"  flashq group reset audit --to 15 --topic news --partition 0,2",
		Args: checkArguments,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := r.check(); err != nil {
				return err
			}
			return t.withClient(cmd, func(ctx context.Context, c *client.Client) error {
				items, err := r.items(ctx, c, args[0])
				if err != nil {
					return err
				}
				return r.run(ctx, cmd, c, args[0], items)
			})
		},
	}
	fs := c.Flags()
	fs.SortFlags = false
	fs.StringVar(&r.to, "to", "", "where: earliest, latest, an offset, or a time (RFC 3339, or ago as -15m)")
	fs.StringArrayVar(&r.topics, "topic", nil, "topic; may be repeated (default all that the group reads)")
	fs.IntSliceVar(&r.partitions, "partition", nil, "partitions of the one topic that is named (default all)")
	r.define(c)
	return c
}

func (r *resetting) check() error {
	switch {
	case r.to == "":
		return errors.New("--to is missing; allowed: earliest, latest, an offset, or a time such as -15m")
	case slices.Contains(r.topics, ""):
		return errors.New(`--topic ""; allowed: the name of a topic`)
	case len(r.partitions) > 0 && len(r.topics) != 1:
		return errors.New("--partition goes with one --topic")
	case slices.ContainsFunc(r.partitions, func(p int) bool { return p < 0 }):
		return fmt.Errorf("--partition %d; allowed: 0 and more", slices.Min(r.partitions))
	}
	return nil
}

// items are what is to be set; the topics that a group reads are looked up.
func (r *resetting) items(ctx context.Context, c *client.Client, group string) (items []client.CommitItem, err error) {
	topics := r.topics
	if topics == nil {
		if topics, err = topicsRead(ctx, c, group); err != nil {
			return nil, err
		}
	}
	for _, topic := range topics {
		item := client.CommitItem{Topic: topic}
		place(&item, r.to)
		if r.partitions == nil {
			items = append(items, item)
		}
		for _, p := range r.partitions {
			item.Partition = &p
			items = append(items, item)
		}
	}
	return items, nil
}

func topicsRead(ctx context.Context, c *client.Client, group string) (topics []string, err error) {
	g, err := c.Group(ctx, group)
	if err != nil {
		return nil, err
	}
	for _, o := range g.Offsets { // sorted
		topics = append(topics, o.Topic)
	}
	if topics == nil {
		return nil, wrongInput("group %s reads no topic yet; allowed: --topic NAME", group)
	}
	return slices.Compact(topics), nil
}
