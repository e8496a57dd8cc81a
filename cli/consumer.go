package cli

import (
	"context"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"flashq/client"
)

func consumerCommand() *cobra.Command {
	t := &target{}
	offset := family("offset", "Look at a consumer group's committed offsets, or set them",
		offsetCommitCommand(t), groupOffsetsCommand(t, "get GROUP TOPIC"))
	c := family("consumer", "Read records as a consumer group",
		consumerCreateCommand(t), consumerFetchCommand(t), offset, consumerLeaveCommand(t))
	t.define(c)
	return c
}

func consumerCreateCommand(t *target) *cobra.Command {
	o := newOutput()
	c := &cobra.Command{
		Use:   "create GROUP",
		Short: "Create a consumer group; it is no error if it exists",
		Args:  checkArguments,
		RunE: func(cmd *cobra.Command, args []string) error {
			return t.withClient(cmd, func(ctx context.Context, c *client.Client) error {
				g, err := c.CreateGroup(ctx, args[0], "")
				if err != nil {
					return err
				}
				return o.print(cmd.OutOrStdout(), g.JSON, "", func() string { return groupTable(g) })
			})
		},
	}
	o.define(c)
	return c
}

func groupTable(g *client.Group) string {
	return tableOf(table.Row{"group", "start", "members", "lag"},
		[]table.Row{{g.Name, g.Start, count(len(g.Members)), count(g.Lag)}})
}

func consumerLeaveCommand(t *target) *cobra.Command {
	return deleteGroupCommand(t, "leave GROUP")
}
