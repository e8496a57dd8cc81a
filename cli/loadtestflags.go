package cli

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"flashq/loadtest"
	"flashq/loadtest/report"
)

// loadtestFlags holds one command's flags until it runs.
type loadtestFlags struct {
	config                                      loadtest.Config
	format, value, storage, fsync               *word
	compression, encoding, answers, beside      *word
	maxBytes, batchBytes, memoryBytes, retained Size
	target                                      target
	length                                      time.Duration // of a measurement, where neither it nor --records is given
	report                                      loadtestReport
}

func newLoadtestFlags(workload string) *loadtestFlags {
	return &loadtestFlags{
		config: loadtest.Config{
			Workload:    workload,
			Load:        report.Load{Size: 100, Batch: 1, Partitions: 1, Seed: 1},
			Connections: 32,
			Rounds:      5,
			Warmup:      time.Second,
			Timeout:     10 * time.Second,
		},
		length:   5 * time.Second,
		format:   newWord(report.Formats[0], report.Formats[1:]...),
		value:    newWord(report.Values[0], report.Values[1:]...),
		storage:  newWord(report.Storages[0], report.Storages[1:]...),
		fsync:    newWord(report.Syncs[0], report.Syncs[1:]...),
		maxBytes: 4 << 30,

		compression: newWord(report.Compressions[0], report.Compressions[1:]...),
		encoding:    newWord(report.Encodings[0], report.Encodings[1:]...),
		answers:     newWord("ndjson", "json", "raw", "batch"),
		beside:      newWord(report.Noop, report.Formats...),
	}
}

// command has the flags that all workloads have.
func (f *loadtestFlags) command(use, short string) *cobra.Command {
	c := &cobra.Command{
		Use: use, Short: short, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	f.addCommon(c)
	f.report.define(c)
	return c
}

func (f *loadtestFlags) addCommon(c *cobra.Command) {
	fs, v := c.Flags(), &f.config
	fs.SortFlags = false
	addWord(c, f.format, "format", "of request bodies, of consume: of answers; raw holds one record, batch is Kafka's own")
	fs.IntVar(&v.Size, "size", v.Size, "bytes of each record's value")
	addWord(c, f.value, "value", "letters, or JSON text whose quotes need escapes")
	fs.StringVar(&v.Payload, "payload", "", "a file whose lines are the values, in place of --size and --value")
	fs.IntVar(&v.Batch, "batch", v.Batch, "records in each request")
	fs.IntVar(&v.PerBatch, "per-batch", 0, "records in each RecordBatch of a body; 0: all of a request")
	addWord(c, f.compression, "compression", "of RecordBatches; of consume: of those that fill the topic")
	fs.IntVar(&v.Keys, "keys", 0, "distinct record keys; 0: records have no key")
	fs.Uint64Var(&v.Seed, "seed", v.Seed, "of the values: the same one makes the same bytes")
	fs.IntVarP(&v.Connections, "connections", "c", v.Connections, "connections, each with one request at a time")
	fs.IntVar(&v.Rounds, "repeat", v.Rounds, "measurements of each server")
	fs.DurationVar(&v.Duration, "duration", 0, fmt.Sprintf(
		"of each measurement (default %v, without end if --records is set)", f.length))
	fs.Int64Var(&v.Records, "records", 0, "end each measurement after so many records; 0: by --duration alone")
	fs.Float64Var(&v.Rate, "rate", v.Rate, "records due each second, latency from then on; 0: as fast as answers come")
	fs.DurationVar(&v.Warmup, "warmup", v.Warmup, "before each measurement; 0: none")
	fs.DurationVar(&v.Timeout, "timeout", v.Timeout, "of each answer")
	fs.BoolVar(&v.Pin, "pin", false, "keep servers that are started off the last processor, and the client on it")
}

// addWriting has the flags of workloads that write.
func (f *loadtestFlags) addWriting(c *cobra.Command) {
	fs := c.Flags()
	fs.Var(&f.maxBytes, "max-bytes", "of request bodies written in all; a round ends early at its share")
}

// addKeys has the flags of requests that may be repeated.
func (f *loadtestFlags) addKeys(c *cobra.Command) {
	fs, v := c.Flags(), &f.config
	fs.BoolVar(&v.Idempotent, "idempotent", false, "an Idempotency-Key for each request")
	fs.Float64Var(&v.Replay, "replay", 0.01, "share of --idempotent requests that is sent again, to be answered the same")
}

// addAnswers has the flags of how consume has its answers.
func (f *loadtestFlags) addAnswers(c *cobra.Command) {
	addWord(c, f.encoding, "encoding", "of the values in answers that are JSON")
	c.Flags().BoolVar(&f.config.Decode, "decode", false, "take answers apart, and look at each record's offset")
}

// addServer has the flags of workloads with a FlashQ behind them.
func (f *loadtestFlags) addServer(c *cobra.Command) {
	fs, v := c.Flags(), &f.config
	fs.StringVar(&v.Topic, "topic", "", "a topic to use and to keep (default: a fresh one, deleted at the end)")
	fs.IntVar(&v.Partitions, "partitions", v.Partitions, "partitions of the topic")
	fs.Var(&f.retained, "retention-bytes", "of each partition of the topic; 0: no bound")
	fs.StringVarP(&f.target.server, "server", "s", "", "URL of a server that runs (default $"+serverVariable+
		", else one is started)")
	fs.BoolVar(&v.Mine, "i-own-this-server", false, "load a server beyond this machine")
	fs.IntVar(&v.ServerPID, "server-pid", 0, "process id of --server on this machine, to know its CPU time")
	f.target.trust.define(fs)
	addWord(c, f.storage, "storage", "of the server that is started (file: a temporary folder)")
	addWord(c, f.fsync, "fsync", "of the server that is started")
	fs.Var(&f.batchBytes, "batch-bytes", "of the server that is started; 0: its own default")
	fs.Var(&f.memoryBytes, "memory-bytes", "of the server that is started; 0: its own default")
}

// addPaired has the flags of workloads that are measured beside something else.
func (f *loadtestFlags) addPaired(c *cobra.Command) {
	fs, v := c.Flags(), &f.config
	addWord(c, f.beside, "beside", "measured in turn: a bare server, or the same server with this format and no keys")
	fs.BoolVar(&v.SkipNoop, "no-noop", false, "leave the other side out: faster, but there is no ratio")
	fs.IntVar(&v.IdleTopics, "idle-topics", 0, "topics that nobody uses; compared with a server without them")
	fs.IntVar(&v.Parked, "parked", 0, "long polls that wait; compared with a server without them")
}

// settle is the Config that the flags stand for.
func (f *loadtestFlags) settle(cmd *cobra.Command) (loadtest.Config, error) {
	c := f.config
	if err := refuseZeros(cmd); err != nil {
		return c, err
	}
	c.Format, c.Value, c.Storage, c.Fsync = f.format.value, f.value.value, f.storage.value, f.fsync.value
	c.MaxBytes, c.BatchBytes, c.MemoryBytes = int64(f.maxBytes), int64(f.batchBytes), int64(f.memoryBytes)
	c.RetentionBytes, c.Version = int64(f.retained), Version()
	if c.Workload == report.Subscribe {
		c.Format, c.Answers = "json", f.format.value
	}
	c.Compression, c.Beside = f.compression.value, f.beside.value
	if fs := cmd.Flags(); fs.Lookup("answers") != nil {
		c.Answers = f.answers.value
	} else if fs.Lookup("encoding") != nil && fs.Changed("encoding") {
		c.Encoding = f.encoding.value
	}
	if !c.Idempotent && !cmd.Flags().Changed("replay") {
		c.Replay = 0
	}
	if (c.Format == "raw" || c.Beside == "raw") && !cmd.Flags().Changed("batch") {
		c.Batch = 1 // all that they hold
	}
	if c.Duration == 0 && c.Records == 0 {
		c.Duration = f.length
	}
	if err := f.trust(cmd, &c); err != nil {
		return c, err
	}
	c.Target = os.Getenv(serverVariable)
	if cmd.Flags().Lookup("server") == nil { // this command has no FlashQ
		c.Target = ""
	} else if cmd.Flags().Changed("server") {
		if c.Target = f.target.server; c.Target == "" {
			return c, errors.New(`--server ""; allowed: a URL such as http://127.0.0.1:8080, or host:port`)
		}
	}
	return c, nil
}

// trust says how a server that runs and this command trust each other.
func (f *loadtestFlags) trust(cmd *cobra.Command, c *loadtest.Config) (err error) {
	fs := cmd.Flags()
	if fs.Lookup("server") == nil {
		return nil
	}
	if c.Token, err = f.target.trust.secret(fs); err != nil {
		return err
	}
	c.TLS, err = f.target.trust.authorities(fs)
	return err
}

// addWord defines a flag of few words, which a shell completes.
func addWord(c *cobra.Command, w *word, name, usage string) {
	c.Flags().Var(w, name, usage)
	// The only errors are a flag that does not exist, or has completions.
	_ = c.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(w.allowed, cobra.ShellCompDirectiveNoFileComp))
}

// refuseZeros keeps a zero that somebody wrote from being taken for Config's "default".
func refuseZeros(cmd *cobra.Command) error {
	for _, name := range []string{
		"size", "batch", "partitions", "connections", "consumers", "streams", "repeat", "duration",
		"timeout", "max-bytes", "seed",
	} {
		f := cmd.Flags().Lookup(name)
		if f != nil && f.Changed && (f.Value.String() == "0" || f.Value.String() == "0s") {
			least := "1 and more"
			if f.Value.Type() == "duration" {
				least = "a time such as 500ms or 2s"
			}
			return fmt.Errorf("%w: --%s 0; allowed: %s", loadtest.ErrConfig, name, least)
		}
	}
	return nil
}

// toFile writes what write gives to a new file.
func toFile(name string, write func(io.Writer) error) error {
	file, err := os.Create(name)
	if err != nil {
		return err // it names the file
	}
	return errors.Join(write(file), file.Close())
}
