package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"flashq/client"
)

func groupCommand() *cobra.Command {
	t := &target{}
	c := family("group", "Look at consumer groups, set where they go on, delete them",
		groupListCommand(t), groupDescribeCommand(t), groupOffsetsCommand(t, "offsets GROUP [TOPIC]"),
		groupCommitCommand(t), groupResetCommand(t), deleteGroupCommand(t, "delete GROUP"))
	t.define(c)
	return c
}

func groupListCommand(t *target) *cobra.Command {
	o := newOutput()
	c := &cobra.Command{
		Use:   "list",
		Short: "List the consumer groups of a broker",
		Args:  checkArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return t.withClient(cmd, func(ctx context.Context, c *client.Client) error {
				list, err := c.Groups(ctx)
				if err != nil {
					return err
				}
				return o.print(cmd.OutOrStdout(), list.JSON, "groups", func() string { return groupsTable(list) })
			})
		},
	}
	o.define(c)
	return c
}

func groupsTable(list *client.GroupList) string {
	var rows []table.Row
	for _, g := range list.Groups {
		rows = append(rows, table.Row{g.Group, count(g.Members), strings.Join(g.Topics, " "), count(g.Lag)})
	}
	return tableOf(table.Row{"group", "members", "topics", "lag"}, rows)
}

// deleteGroupCommand is one command in two families.
func deleteGroupCommand(t *target, use string) *cobra.Command {
	force := false
	c := &cobra.Command{
		Use:   use,
		Short: "Delete a consumer group with all that it committed",
		Args:  checkArguments,
		RunE: func(cmd *cobra.Command, args []string) error {
			return t.withClient(cmd, func(ctx context.Context, c *client.Client) error {
				if err := c.DeleteGroup(ctx, args[0], force); err != nil {
					return byForce(err)
				}
				cmd.PrintErrf("group %s is deleted\n", args[0])
				return nil
			})
		},
	}
	c.Flags().BoolVar(&force, "force", false, "although members live; it ends them, and those who fetch on join again")
	return c
}

// byForce tells how to do what the broker refused because the group has members.
func byForce(err error) error {
	var e *client.Error
	if errors.As(err, &e) && e.Code == "group_active" {
		return fmt.Errorf("%w; or say --force", err)
	}
	return err
}
