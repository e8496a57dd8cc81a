package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Say which version this is",
		Args:  checkArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "flashq %s\n", Version())
			return failed(err)
		},
	}
}

// helpCommand is in place of cobra's, which answers a name that no command has with the whole help and code 0.
func helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "help [COMMAND]...",
		Short: "Help about any command",
		RunE: func(cmd *cobra.Command, args []string) error {
			c, rest, err := cmd.Root().Find(args)
			if err != nil {
				return err
			}
			if len(rest) > 0 {
				return noCommand(c, rest[0], names(c))
			}
			return c.Help()
		},
	}
}

// noCommand tells of a name that no command below parent has: which one it is like, or else what is allowed.
func noCommand(parent *cobra.Command, typed, allowed string) error {
	name := typed
	if parent.HasParent() {
		name = below(parent) + " " + typed
	}
	if like := suggestions(parent, typed); len(like) > 0 {
		for i, s := range like {
			like[i] = parent.CommandPath() + " " + s
		}
		return fmt.Errorf("no command %q; did you mean: %s", name, strings.Join(like, ", "))
	}
	if allowed == "" {
		return fmt.Errorf("no command %q; see: %s --help", name, parent.CommandPath())
	}
	return fmt.Errorf("no command %q; allowed: %s", name, allowed)
}

// suggestions are the commands below parent that a typo or a word cut short may have been meant for.
func suggestions(parent *cobra.Command, typed string) []string {
	parent.SuggestionsMinimumDistance = 2 // typos
	return parent.SuggestionsFor(typed)
}
