package cli

import (
	"context"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"flashq/client"
)

func healthCommand() *cobra.Command {
	t, o := &target{}, newOutput()
	c := &cobra.Command{
		Use:     "health",
		Short:   "Ask whether a broker serves",
		Example: "  flashq health\n  flashq health -p 9090 -o json",
		Args:    checkArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return t.withClient(cmd, func(ctx context.Context, c *client.Client) error {
				h, err := c.Health(ctx)
				if err != nil {
					return err
				}
				return o.print(cmd.OutOrStdout(), h.JSON, "", func() string { return healthTable(h) })
			})
		},
	}
	t.define(c)
	o.define(c)
	return c
}

func healthTable(h *client.Health) string {
	up := (time.Duration(h.UptimeMs) * time.Millisecond).Round(time.Second)
	return tableOf(table.Row{"status", "version", "up for", "topics", "groups"},
		[]table.Row{{h.Status, h.Version, up.String(), count(h.TopicsCount), count(h.ConsumerGroupsCount)}})
}
