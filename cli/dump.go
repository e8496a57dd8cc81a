package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"syscall"

	"github.com/spf13/cobra"

	"flashq/dump"
)

func dumpCommand() *cobra.Command {
	options, asJSON := dump.Options{}, false
	c := &cobra.Command{
		Use:   "dump FILE...",
		Short: "Say what stands in segment files, indexes and checkpoints, FlashQ's or Kafka's",
		Long: "Say what stands in the files of partitions, FlashQ's or Kafka's: batches, with --records their records,\n" +
			"indexes (held against the log beside them), what groups committed, snapshots of producers, checkpoints.\n" +
			"A folder stands for its files. Files are only read, while a broker runs, too. Exit code 1 tells of damage.",
		Example: "  flashq dump data/news-0/00000000000000000000.log --records\n" +
			"  flashq dump data/news-0 --json | jq 'select(.type == \"damage\")'",
		Args: checkArguments,
		RunE: func(cmd *cobra.Command, args []string) error {
			return dumpFiles(cmd.OutOrStdout(), args, options, asJSON)
		},
	}
	c.Flags().BoolVar(&options.Records, "records", false, "single records, too")
	c.Flags().BoolVar(&asJSON, "json", false, "one line of JSON for each thing that is found")
	return c
}

func dumpFiles(w io.Writer, paths []string, o dump.Options, asJSON bool) error {
	out := bufio.NewWriterSize(w, 64<<10)
	var line []byte
	sum, err := dump.Run(paths, o, func(it dump.Item) error {
		if asJSON {
			line = it.AppendJSON(line[:0])
		} else {
			line = it.AppendText(line[:0])
		}
		_, err := out.Write(line)
		return err
	})
	if flushed := out.Flush(); err == nil {
		err = flushed
	}
	switch {
	case errors.Is(err, syscall.EPIPE):
		return errPipe
	case errors.Is(err, dump.ErrUnknown) || errors.Is(err, fs.ErrNotExist):
		return err // the command line is wrong
	case err != nil:
		return failed(fmt.Errorf("dump: %w", err))
	case sum.Faults > 0:
		return failed(fmt.Errorf("%s found", faults(sum.Faults)))
	}
	return nil
}
