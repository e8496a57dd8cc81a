package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"flashq/client"
	"flashq/loadtest"
	"flashq/loadtest/report"
)

func loadtestCommand() *cobra.Command {
	return family("loadtest", "Measure speed, and verify that no record is lost, doubled or out of order",
		loadtestProduceCommand(), loadtestConsumeCommand(), loadtestEndToEndCommand(),
		loadtestSubscribeCommand(), loadtestNoopCommand(), loadtestTuneCommand(), noopServerCommand())
}

func loadtestProduceCommand() *cobra.Command {
	f := newLoadtestFlags(report.Produce)
	c := f.command("produce", "Measure produce requests, in rounds that alternate with a bare HTTP server")
	c.Example = "  flashq loadtest produce\n" +
		"  flashq loadtest produce --batch 100 --size 1000 --value json --storage file --fsync always\n" +
		"  flashq loadtest produce -s http://127.0.0.1:9000 --rate 5000 --duration 30s --html report.html\n" +
		"  flashq loadtest produce --idempotent --beside json\n" +
		"  flashq loadtest produce --format batch --batch 1000 --size 1000 --per-batch 16 -c 4"
	f.addWriting(c)
	f.addKeys(c)
	f.addServer(c)
	f.addPaired(c)
	return c
}

func loadtestConsumeCommand() *cobra.Command {
	f := newLoadtestFlags(report.Consume)
	f.config.Batch, f.config.Size, f.config.Connections = 1000, 1000, 4
	c := f.command("consume", "Measure fetches, in rounds that alternate with a bare HTTP server that answers as much")
	c.Example = "  flashq loadtest consume\n" +
		"  flashq loadtest consume -s http://127.0.0.1:9000 --topic news --batch 100\n" +
		"  flashq loadtest consume --format batch --decode"
	f.addAnswers(c)
	f.addServer(c)
	f.addPaired(c)
	return c
}

func loadtestEndToEndCommand() *cobra.Command {
	f := newLoadtestFlags(report.EndToEnd)
	f.config.Rounds = 1
	c := f.command("e2e", "Produce and consume at once, and verify that each record comes once and in order")
	c.Example = "  flashq loadtest e2e --rate 1000 --partitions 4 --consumers 2"
	c.Flags().IntVar(&f.config.Consumers, "consumers", 1, "readers that share the partitions out")
	addWord(c, f.answers, "answers", "format in which records are read back")
	f.addWriting(c)
	f.addServer(c)
	return c
}

func loadtestSubscribeCommand() *cobra.Command {
	f := newLoadtestFlags(report.Subscribe)
	f.config.Rounds, f.config.Connections, f.config.Rate, f.config.Warmup = 1, 1, 200, 0
	f.format = newWord(report.StreamFormats[0], report.StreamFormats[1:]...)
	c := f.command("subscribe", "Send records to many open streams, and verify that each gets every one once and in order")
	c.Example = "  flashq loadtest subscribe --streams 1000 --rate 200\n" +
		"  flashq loadtest subscribe --streams 10000 --rate 0   # what an idle stream costs"
	c.Flags().IntVar(&f.config.Streams, "streams", 1000, "open streams, each of all records")
	c.Flags().Lookup("format").Usage = "of the streams: server-sent events, or NDJSON"
	c.Flags().Lookup("rate").Usage = "records due each second, latency counted from then until each stream has it; 0: none"
	c.Flags().Lookup("connections").Usage = "of the producers, each to one partition"
	for _, no := range []string{"warmup", "compression", "per-batch", "payload"} {
		_ = c.Flags().MarkHidden(no) // they are all defined
	}
	f.addWriting(c)
	f.addServer(c)
	return c
}

func loadtestNoopCommand() *cobra.Command {
	f := newLoadtestFlags(report.Noop)
	f.config.Rounds = 1
	return f.command("noop", "Measure the ceiling: a bare HTTP server that reads the bodies that produce sends")
}

// noopServerCommand is what the bare server's process runs; it is not for people.
func noopServerCommand() *cobra.Command {
	listen, answerBytes := "127.0.0.1:0", 0
	c := &cobra.Command{
		Use:    "noop-server",
		Short:  "The bare HTTP server; it prints its address and ends with its standard input",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return failed(loadtest.NoopServer(listen, answerBytes, cmd.InOrStdin(), cmd.OutOrStdout()))
		},
	}
	c.Flags().StringVar(&listen, "listen", listen, "address to listen on")
	c.Flags().IntVar(&answerBytes, "answer-bytes", 0, "body of the answer to a GET")
	return c
}

// run turns flags into one call and writes its report, also that of a run that was cut short.
func (f *loadtestFlags) run(cmd *cobra.Command) error {
	c, err := f.settle(cmd)
	if err != nil {
		return err
	}
	old, err := f.report.old()
	if err != nil {
		return err
	}
	if f.report.maxRegression < 0 {
		return fmt.Errorf("--max-regression %g; allowed: 0 and more", f.report.maxRegression)
	}
	screen := newScreen(cmd.ErrOrStderr())
	c.Progress, c.Live = screen.line, screen.live
	found, err := untilSignal(cmd, func(ctx context.Context) (*report.Report, error) {
		return loadtest.Run(ctx, c)
	})
	screen.clear()
	if found == nil {
		return err
	}
	if writeErr := f.report.write(cmd, found); writeErr != nil {
		return failed(writeErr)
	}
	if err != nil {
		return err
	}
	return failed(f.report.judge(cmd, old, found))
}

// untilSignal does the work until the first signal ends it; a second one ends the process.
func untilSignal[T any](cmd *cobra.Command, work func(ctx context.Context) (T, error)) (T, error) {
	ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	result, err := work(ctx)
	switch {
	case err == nil || errors.Is(err, loadtest.ErrConfig):
		return result, err
	case ctx.Err() != nil:
		return result, errInterrupted
	case errors.Is(err, loadtest.ErrUnreachable):
		return result, unreachable{err}
	}
	return result, failed(err)
}

// unreachable marks a load test that found no server, so that Run exits as it does for every command that finds none.
type unreachable struct{ error }

func (u unreachable) Is(target error) bool { return target == client.ErrUnreachable }

// loadtestReport is where a report goes, and what it is compared with.
type loadtestReport struct {
	output                   *word
	save, html, svg, compare string
	maxRegression            float64
}

func (r *loadtestReport) define(c *cobra.Command) {
	fs := c.Flags()
	r.output = newWord("table", "json")
	fs.VarP(r.output, "output", "o", "what is printed")
	fs.StringVar(&r.save, "save", "", "write the report as JSON to this file too, for --compare")
	fs.StringVar(&r.compare, "compare", "", "a report saved before; exit with 1 if this one is worse")
	fs.Float64Var(&r.maxRegression, "max-regression", 10, "percent that may be lost against --compare")
	fs.StringVar(&r.html, "html", "", "write the report as one HTML page with plots to this file too")
	fs.StringVar(&r.svg, "svg", "", "write the plots as SVG files to this folder too")
}

// old is the report to compare with; nil where there is none.
func (r *loadtestReport) old() (*report.Report, error) {
	if r.compare == "" {
		return nil, nil //nolint:nilnil // nothing was asked for, and nothing is wrong
	}
	file, err := os.Open(r.compare)
	if err != nil {
		return nil, fmt.Errorf("--compare: %w", err)
	}
	defer func() { _ = file.Close() }() // it was only read
	old, err := report.ReadReport(file)
	if err != nil {
		return nil, fmt.Errorf("--compare %s: %w", r.compare, err)
	}
	return old, nil
}

func (r *loadtestReport) write(cmd *cobra.Command, found *report.Report) error {
	out := found.WriteTable
	if r.output.value == "json" {
		out = found.WriteJSON
	}
	errs := []error{out(cmd.OutOrStdout())}
	if r.save != "" {
		errs = append(errs, toFile(r.save, found.WriteJSON))
	}
	if r.html != "" {
		errs = append(errs, toFile(r.html, found.WriteHTML))
	}
	if r.svg != "" {
		errs = append(errs, found.WriteSVGs(r.svg))
	}
	return errors.Join(errs...)
}

// judge says what a run has to be told for that ended well: broken promises, and losses against an older report.
func (r *loadtestReport) judge(cmd *cobra.Command, old, found *report.Report) error {
	if old != nil {
		c, err := report.Compare(old, found, r.maxRegression/100)
		if err != nil {
			return err
		}
		to := cmd.OutOrStdout()
		if r.output.value == "json" {
			to = cmd.ErrOrStderr()
		}
		if err := c.WriteTable(to); err != nil {
			return err
		}
		if c.Worse != "" {
			return errors.New(c.Worse)
		}
	}
	if found.Faulty() {
		return fmt.Errorf("the server broke its promise: %s", strings.Join(found.Verdicts(), "; "))
	}
	return nil
}
