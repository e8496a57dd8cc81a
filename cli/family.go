package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// family is a command that only holds others: cobra alone would answer a wrong name with the help and code 0.
func family(use, short string, members ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{
		Use:   use,
		Short: short,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("%s needs a command; allowed: %s", below(cmd), names(cmd))
			}
			return noCommand(cmd, args[0], names(cmd))
		},
	}
	c.AddCommand(members...)
	return c
}

// below is a command's name without the program's.
func below(cmd *cobra.Command) string { return strings.TrimPrefix(cmd.CommandPath(), "flashq ") }

// names lists the commands below cmd that are for people.
func names(cmd *cobra.Command) string {
	var list []string
	for _, c := range cmd.Commands() {
		if c.IsAvailableCommand() {
			list = append(list, c.Name())
		}
	}
	return strings.Join(list, ", ")
}

// checkArguments holds a command's arguments against the names in its use, of which those in brackets may be missing
// and a last one with dots may be repeated.
func checkArguments(cmd *cobra.Command, args []string) error {
	_, usage, _ := strings.Cut(cmd.Use, " ")
	all := strings.Fields(usage)
	needed := len(all) - strings.Count(usage, "[")
	if len(args) >= needed && (len(args) <= len(all) || strings.HasSuffix(strings.TrimSuffix(usage, "]"), "...")) {
		return nil
	}
	if usage == "" {
		usage = "no arguments"
	}
	return fmt.Errorf("%s takes %s; got %d: %q", below(cmd), usage, len(args), args)
}
