package cli

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"flashq/client"
)

func groupDescribeCommand(t *target) *cobra.Command {
	o := newOutput()
	c := &cobra.Command{
		Use:   "describe GROUP",
		Short: "Show how far a consumer group is in each partition, who reads it, and the members' leases",
		Args:  checkArguments,
		RunE: func(cmd *cobra.Command, args []string) error {
			return t.withClient(cmd, func(ctx context.Context, c *client.Client) error {
				g, err := c.Group(ctx, args[0])
				if err != nil {
					return err
				}
				return o.print(cmd.OutOrStdout(), g.JSON, "offsets", func() string { return groupTables(g) })
			})
		},
	}
	o.define(c)
	return c
}

// groupTables is a group for people: itself, its partitions, its members.
func groupTables(g *client.Group) string {
	owners := ownersOf(g)
	var rows []table.Row
	for _, o := range g.Offsets {
		rows = append(rows, table.Row{
			o.Topic, plain(o.Partition), orDash(o.CommittedOffset), plain(o.HighWaterMark), count(o.Lag),
			owners[topicPartition{o.Topic, o.Partition}],
		})
	}
	parts := []string{
		fmt.Sprintf("group %s: %s; generation %d; begins at %s; %s left", g.Name,
			english.Plural(len(g.Members), "member", ""), g.Generation, g.Start, humanize.Comma(g.Lag)),
		tableOf(table.Row{"topic", "partition", "committed", "high water mark", "lag", "member"}, rows),
	}
	if len(g.Members) > 0 {
		rows = nil
		for _, m := range g.Members {
			rows = append(rows, table.Row{m.Member, moment(m.ExpiresAt), assignmentCell(m.Assignment)})
		}
		parts = append(parts, tableOf(table.Row{"member", "lease ends", "partitions"}, rows))
	}
	return strings.Join(parts, "\n")
}

type topicPartition struct {
	topic     string
	partition int
}

// ownersOf tells which member reads what.
func ownersOf(g *client.Group) map[topicPartition]string {
	owners := map[topicPartition]string{}
	for _, m := range g.Members {
		for topic, partitions := range m.Assignment {
			for _, p := range partitions {
				owners[topicPartition{topic, p}] = m.Member
			}
		}
	}
	return owners
}

// assignmentCell lists partitions by topic; a topic without any is named, since the member asks for it.
func assignmentCell(assignment map[string][]int) string {
	var list []string
	for _, topic := range slices.Sorted(maps.Keys(assignment)) {
		partitions := make([]string, len(assignment[topic]))
		for i, p := range assignment[topic] {
			partitions[i] = strconv.Itoa(p)
		}
		if len(partitions) == 0 {
			partitions = []string{"none"}
		}
		list = append(list, topic+" "+strings.Join(partitions, ","))
	}
	return strings.Join(list, "; ")
}
