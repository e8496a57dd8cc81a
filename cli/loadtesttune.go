package cli

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"flashq/loadtest"
	"flashq/loadtest/report"
)

func loadtestTuneCommand() *cobra.Command {
	f := newLoadtestFlags(report.Produce)
	f.config.Rounds, f.length, f.config.Warmup = 3, time.Second, 200*time.Millisecond
	output := newWord("table", "json")
	save := ""
	c := &cobra.Command{
		Use:     "tune",
		Short:   "Find the best --batch-bytes: start brokers with 16KiB to 4MiB on both storages and produce to each",
		Example: "  flashq loadtest tune --fsync always\n  flashq loadtest tune -c 256 --duration 2s",
		Args:    cobra.NoArgs,
	}
	f.addCommon(c)
	fs := c.Flags()
	addWord(c, f.fsync, "fsync", "of the servers that are started")
	fs.Var(&f.memoryBytes, "memory-bytes", "of the servers that are started; 0: their own default")
	fs.IntVar(&f.config.Partitions, "partitions", f.config.Partitions, "partitions of the topic")
	f.addWriting(c)
	fs.VarP(output, "output", "o", "what is printed")
	fs.StringVar(&save, "save", "", "write the result as JSON to this file too")
	c.RunE = func(cmd *cobra.Command, _ []string) error {
		settings, err := f.settle(cmd)
		if err != nil {
			return err
		}
		screen := newScreen(cmd.ErrOrStderr())
		settings.Progress, settings.Live = screen.line, screen.live
		tuned, err := untilSignal(cmd, func(ctx context.Context) (*report.Tuned, error) {
			return loadtest.Tune(ctx, settings)
		})
		screen.clear()
		if tuned == nil {
			return err
		}
		return errors.Join(err, failed(writeTuned(cmd, tuned, output.value, save)))
	}
	return c
}

func writeTuned(cmd *cobra.Command, tuned *report.Tuned, output, save string) error {
	out := tuned.WriteTable
	if output == "json" {
		out = tuned.WriteJSON
	}
	if err := out(cmd.OutOrStdout()); err != nil || save == "" {
		return err
	}
	return toFile(save, tuned.WriteJSON)
}
