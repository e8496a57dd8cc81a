package cli

import (
	"context"
	"fmt"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"flashq/client"
)

func offsetCommitCommand(t *target) *cobra.Command {
	var partition int
	item := client.CommitItem{}
	o := newOutput()
	c := &cobra.Command{
		Use:   "commit GROUP TOPIC OFFSET",
		Short: "Set where a consumer group goes on, forward or back",
		Long: "Set where a consumer group goes on, forward or back. OFFSET is the next record to read: a number,\n" +
			"earliest, latest, or a time (RFC 3339).",
		Example: "  flashq consumer offset commit audit news 15 --partition 0 --metadata 'batch 42'\n" +
			"  flashq consumer offset commit audit news earliest",
		Args: checkArguments,
	}
	fs := c.Flags()
	fs.SortFlags = false
	fs.IntVar(&partition, "partition", -1, "which partition (default all of the topic)")
	fs.Lookup("partition").DefValue = "0" // the help says what none means
	fs.StringVar(&item.Metadata, "metadata", "", "a note to keep with the offset, up to 1024 characters")
	o.define(c)
	c.RunE = func(cmd *cobra.Command, args []string) error {
		if fs.Changed("partition") {
			if item.Partition = &partition; partition < 0 {
				return fmt.Errorf("--partition %d; allowed: 0 and more", partition)
			}
		}
		item.Topic = args[1]
		place(&item, args[2])
		return t.withClient(cmd, func(ctx context.Context, c *client.Client) error {
			done, err := c.Commit(ctx, args[0], []client.CommitItem{item}, client.CommitOptions{})
			if err != nil {
				return err
			}
			return o.print(cmd.OutOrStdout(), done.JSON, "offsets", func() string { return committedTable(done) })
		})
	}
	return c
}

func committedTable(done *client.Committed) string {
	var rows []table.Row
	for _, c := range done.Offsets {
		rows = append(rows, table.Row{
			c.Topic, plain(c.Partition), plain(c.CommittedOffset), orDash(c.PreviousOffset), moment(c.Timestamp),
		})
	}
	return tableOf(table.Row{"topic", "partition", "committed", "before", "time"}, rows)
}

// groupOffsetsCommand shows a group's offsets in a topic, or, where its use says that none need be named, in all.
func groupOffsetsCommand(t *target, use string) *cobra.Command {
	o := newOutput()
	c := &cobra.Command{
		Use:   use,
		Short: "Show what a consumer group committed, and how far it is behind",
		Args:  checkArguments,
		RunE: func(cmd *cobra.Command, args []string) error {
			topic := ""
			if len(args) == 2 {
				if topic = args[1]; topic == "" {
					return fmt.Errorf("TOPIC %q; allowed: the name of a topic", topic)
				}
			}
			return t.withClient(cmd, func(ctx context.Context, c *client.Client) error {
				got, err := c.GroupOffsets(ctx, args[0], topic)
				if err != nil {
					return err
				}
				return o.print(cmd.OutOrStdout(), got.JSON, "offsets", func() string { return offsetsTable(got) })
			})
		},
	}
	o.define(c)
	return c
}

func offsetsTable(got *client.GroupOffsets) string {
	var rows []table.Row
	for _, g := range got.Offsets {
		rows = append(rows, table.Row{
			g.Topic, plain(g.Partition), orDash(g.CommittedOffset), plain(g.HighWaterMark), count(g.Lag),
			moment(g.Timestamp), note(g.Metadata),
		})
	}
	return tableOf(table.Row{"topic", "partition", "committed", "high water mark", "lag", "time", "metadata"}, rows)
}

// note shows metadata, which any client may have written; none is blank.
func note(metadata string) string {
	if metadata == "" {
		return ""
	}
	return cell([]byte(metadata))
}
