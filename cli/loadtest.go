package cli

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"flashq/loadtest"
)

func loadtestCommand() *cobra.Command {
	return family("loadtest", "Measure speed against a bare HTTP server in the same run",
		loadtestNoopCommand(), loadtestProduceCommand(), noopServerCommand())
}

func loadtestNoopCommand() *cobra.Command {
	f := newLoadtestFlags(1)
	c := &cobra.Command{
		Use:   "noop",
		Short: "Measure the ceiling: a bare HTTP server that reads the bodies that produce sends",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f.config.SkipProduce = true
			return f.run(cmd)
		},
	}
	f.addCommon(c)
	return c
}

func loadtestProduceCommand() *cobra.Command {
	f := newLoadtestFlags(5)
	c := &cobra.Command{
		Use:   "produce",
		Short: "Measure produce requests, in rounds that alternate with the bare HTTP server",
		Example: "  flashq loadtest produce\n" +
			"  flashq loadtest produce --batch=100 --record-bytes=1000 --value=json --storage=file --fsync=always\n" +
			"  flashq loadtest produce --target=http://127.0.0.1:9000 --json=report.json",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.addCommon(c)
	f.addProduce(c)
	return c
}

// noopServerCommand is what the bare server's process runs; it is not for people.
func noopServerCommand() *cobra.Command {
	listen := "127.0.0.1:0"
	c := &cobra.Command{
		Use:    "noop-server",
		Short:  "The bare HTTP server; it prints its address and ends with its standard input",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return failed(loadtest.NoopServer(listen, cmd.InOrStdin(), cmd.OutOrStdout()))
		},
	}
	c.Flags().StringVar(&listen, "listen", listen, "address to listen on")
	return c
}

// loadtestFlags holds one command's flags until it runs.
type loadtestFlags struct {
	config                            loadtest.Config
	format, value, storage, fsync     *word
	maxBytes, batchBytes, memoryBytes Size
	json                              string
}

func newLoadtestFlags(rounds int) *loadtestFlags {
	return &loadtestFlags{
		config: loadtest.Config{
			Load:        loadtest.Load{RecordBytes: 100, Batch: 1, Partitions: 1},
			Connections: 32,
			Rounds:      rounds,
		},
		format:   newWord(loadtest.Formats[0], loadtest.Formats[1:]...),
		value:    newWord(loadtest.Values[0], loadtest.Values[1:]...),
		storage:  newWord(loadtest.Storages[0], loadtest.Storages[1:]...),
		fsync:    newWord(loadtest.Syncs[0], loadtest.Syncs[1:]...),
		maxBytes: 4 << 30,
	}
}

func (f *loadtestFlags) addCommon(c *cobra.Command) {
	fs, v := c.Flags(), &f.config
	fs.SortFlags = false
	fs.Var(f.format, "format", "of the request bodies")
	fs.IntVar(&v.RecordBytes, "record-bytes", v.RecordBytes, "bytes of each record's value")
	fs.Var(f.value, "value", "letters, or JSON text whose quotes need escapes")
	fs.IntVar(&v.Batch, "batch", v.Batch, "records in each request")
	fs.IntVar(&v.Keys, "keys", 0, "distinct record keys; 0: records have no key")
	fs.IntVar(&v.Partitions, "partitions", v.Partitions, "partitions of the topic (the bare server has none)")
	fs.IntVar(&v.Connections, "connections", v.Connections, "connections, each with one request at a time")
	fs.IntVar(&v.Rounds, "rounds", v.Rounds, "measurements of each server")
	fs.DurationVar(&v.Duration, "duration", 0, "of each measurement (default 5s, without end if --requests is set)")
	fs.Int64Var(&v.Requests, "requests", 0, "end each measurement after so many requests; 0: by --duration alone")
	fs.DurationVar(&v.Warmup, "warmup", time.Second, "before each measurement; 0: none")
	fs.StringVar(&f.json, "json", "", "write the report as JSON to this file too; - is standard output, and no table")
}

func (f *loadtestFlags) addProduce(c *cobra.Command) {
	fs, v := c.Flags(), &f.config
	fs.BoolVar(&v.SkipNoop, "no-noop", false, "leave the bare server out: faster, but there is no ratio")
	fs.StringVar(&v.Target, "target", "", "http://host:port of a server that runs (default: start one)")
	fs.IntVar(&v.ServerPID, "server-pid", 0, "process id of --target on this machine, to know its CPU time")
	fs.Var(f.storage, "storage", "of the server that is started (file: a temporary folder)")
	fs.Var(f.fsync, "fsync", "of the server that is started")
	fs.Var(&f.batchBytes, "batch-bytes", "of the server that is started; 0: its own default")
	fs.Var(&f.memoryBytes, "memory-bytes", "of the server that is started; 0: its own default")
	fs.Var(&f.maxBytes, "max-bytes", "of request bodies written in all; a round ends early at its share")
}

// run turns flags into one call and writes its report. An interrupt ends the servers that were started, then us.
func (f *loadtestFlags) run(cmd *cobra.Command) error {
	if err := refuseZeros(cmd); err != nil {
		return err
	}
	c := f.config
	c.Format, c.Value, c.Storage, c.Fsync = f.format.value, f.value.value, f.storage.value, f.fsync.value
	c.MaxBytes, c.BatchBytes, c.MemoryBytes = int64(f.maxBytes), int64(f.batchBytes), int64(f.memoryBytes)
	c.Progress = func(line string) { cmd.PrintErrln(line) }

	ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	report, err := loadtest.Run(ctx, c)
	switch {
	case errors.Is(err, loadtest.ErrConfig):
		return err
	case err != nil:
		return failed(fmt.Errorf("loadtest: %w", err))
	}
	return failed(f.write(cmd, report))
}

func (f *loadtestFlags) write(cmd *cobra.Command, report *loadtest.Report) error {
	if f.json == "-" {
		return report.WriteJSON(cmd.OutOrStdout())
	}
	if err := report.WriteTable(cmd.OutOrStdout()); err != nil || f.json == "" {
		return err
	}
	file, err := os.Create(f.json)
	if err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return errors.Join(report.WriteJSON(file), file.Close())
}

// refuseZeros keeps a zero that somebody wrote from being taken for Config's "default".
func refuseZeros(cmd *cobra.Command) error {
	for _, name := range []string{
		"record-bytes", "batch", "partitions", "connections", "rounds", "duration", "max-bytes",
	} {
		f := cmd.Flags().Lookup(name)
		if f != nil && f.Changed && (f.Value.String() == "0" || f.Value.String() == "0s") {
			return fmt.Errorf("%w: --%s 0; allowed: more", loadtest.ErrConfig, name)
		}
	}
	return nil
}
