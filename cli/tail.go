package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

func tailCommand() *cobra.Command {
	var last int
	w := &wanted{show: newShowing()}
	t, r := &target{}, &reading{wanted: w, follow: true}
	c := &cobra.Command{
		Use:   "tail TOPIC",
		Short: "Read a topic's last records, and then what comes, until Ctrl-C",
		Long: "Read the last records of each partition of a topic, ten unless -n says how many, and then what comes,\n" +
			"until Ctrl-C. It is flashq consume --offset -10 --follow, and as that it leaves nothing on the broker.",
		Example: "  flashq tail news\n" +
			"  flashq tail news -n 0 -p 2 -f '%k %s\\n'",
		Args: recordsOf,
		RunE: func(cmd *cobra.Command, args []string) error {
			w.topic = args[0]
			if last < 0 {
				return fmt.Errorf("-n %d; allowed: 0 and more", last)
			}
			if given(cmd.Flags(), "offset", "since") == "" {
				r.offset = fmt.Sprintf("-%d", last)
			} else if cmd.Flags().Changed("lines") {
				return fmt.Errorf("-n and --%s are both given; allowed: one of them", given(cmd.Flags(), "offset", "since"))
			}
			return r.command(cmd, t)
		},
	}
	t.defineLong(c)
	fs := c.Flags()
	fs.SortFlags = false
	fs.IntVarP(&last, "lines", "n", 10, "begin with so many records of each partition")
	r.define(c)
	w.define(c)
	return c
}
