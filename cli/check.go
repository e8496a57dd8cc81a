package cli

import (
	"errors"
	"fmt"
	"io"

	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"
	"github.com/spf13/cobra"

	"flashq/actor"
)

func checkCommand() *cobra.Command {
	repair := false
	c := &cobra.Command{
		Use:   "check DATA-DIR",
		Short: "Read everything in the folder of a broker that is stopped, and tell what is damaged",
		Long: "Read everything in the folder of a broker that is stopped, and tell what is damaged, a line for each:\n" +
			"records, indexes, checkpoints, what groups committed, and the metadata log, which says what topics there are.\n" +
			"It changes nothing, but with --repair a metadata log that can't be read is rebuilt from the folders: topics,\n" +
			"their ids and partition counts. Settings of topics are the defaults then. The old log is kept as .broken.",
		Example: "  flashq check ./data\n  flashq check ./data --repair",
		Args:    checkArguments,
		RunE: func(cmd *cobra.Command, args []string) error {
			err := check(cmd.OutOrStdout(), args[0], repair)
			if errors.Is(err, actor.ErrNoDataFolder) {
				return err // the command line is wrong
			}
			return failed(err)
		},
	}
	c.Flags().BoolVar(&repair, "repair", false, "rebuild a metadata log that can't be read")
	return c
}

func check(out io.Writer, dir string, repair bool) error {
	var failedPrint error // the first one
	printLine := func(format string, args ...any) {
		if _, err := fmt.Fprintf(out, format+"\n", args...); err != nil && failedPrint == nil {
			failedPrint = fmt.Errorf("write what was found: %w", err)
		}
	}
	if repair {
		err := actor.Repair(dir, func(line string) { printLine("%s", line) })
		if errors.Is(err, actor.ErrNothingToRepair) {
			printLine("%s", err)
		} else if err != nil {
			return fmt.Errorf("repair: %w", err)
		}
	}
	sum, err := actor.Check(dir, func(f actor.Fault) { printLine("%s: %s", f.Name, f.What) })
	if err != nil {
		return err
	}
	printLine("%s with %s: %s records, %s", english.Plural(sum.Topics, "topic", ""),
		english.Plural(sum.Partitions, "partition", ""), humanize.Comma(sum.Records), humanize.IBytes(uint64(sum.Bytes)))
	switch {
	case failedPrint != nil:
		return failedPrint
	case sum.MetadataLost:
		return fmt.Errorf("%s found; before a broker starts here: flashq check %s --repair", faults(sum.Faults), dir)
	case sum.Faults > 0:
		return fmt.Errorf("%s found", faults(sum.Faults))
	}
	printLine("all good")
	return failedPrint
}

func faults(n int) string { return english.Plural(n, "fault", "") }
