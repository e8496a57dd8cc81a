package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/dustin/go-humanize"

	"flashq/actor"
	"flashq/http"
)

// serveConfig is one run of the broker.
type serveConfig struct {
	listen, adminListen string
	authFile            string
	logFormat, logLevel string
	accessLog           string
	drainWait           time.Duration
	exposure            exposure
	tls                 *certificate
	engine              actor.Config
	wire                http.Config
}

// shutdownGrace is how long handlers may take to finish after a signal; a request that has not arrived whole by then
// was promised nothing.
const shutdownGrace = 10 * time.Second

// serve runs the broker until a signal ends it: it stops accepting, releases who waits, finishes what was accepted,
// syncs and returns. A second signal ends the process at once.
func serve(c serveConfig, stderr io.Writer) error {
	ignoreFileSize()
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM)
	defer signal.Stop(signals)

	logger := newLogger(stderr, c.logFormat, c.logLevel)
	forgetTokens, err := c.askForTokens(logger)
	if err != nil {
		return err
	}
	defer forgetTokens()
	endAccessLog, err := c.logRequests(stderr, logger)
	if err != nil {
		return err
	}
	defer endAccessLog()
	forgetCertificate, err := c.tls.serve(&c.wire, logger)
	if err != nil {
		return err
	}
	defer forgetCertificate()
	bound, err := listen(c.listen, logger)
	if err != nil {
		return err
	}
	c.exposure.warn(logger)
	profiles, err := startAdmin(c.adminListen)
	if err != nil {
		return errors.Join(err, bound.close())
	}
	limitHeap(c.engine)
	if err := shareDescriptors(descriptorLimit(), &c.engine, &c.wire); err != nil {
		return errors.Join(err, bound.close(), profiles.close())
	}
	c.connect(logger)
	server := http.New(c.wire)
	served := make(chan error, 1)
	go func() { served <- server.Serve(bound...) }()
	engine, err := open(c.engine, signals)
	if err != nil || engine == nil {
		return errors.Join(err, stop(server, bound, served, logger), profiles.close())
	}
	server.Open(engine)
	banner(logger, bound.addr(), c.engine, engine.Found())
	profiles.announce(logger)

	select {
	case err = <-served:
	case s := <-signals:
		logger.Info("stopping", "signal", s.String())
		go exitOnSecondSignal(signals, stderr)
		server.Drain()
		time.Sleep(c.drainWait) // who asks /ready, or writes, is told where the port would only be closed
		err = stop(server, bound, served, logger)
	}
	err = errors.Join(err, engine.Close(), profiles.close())
	if err == nil {
		logger.Info("stopped")
	}
	return err
}

// connect lets both halves of the broker log to one place, and the server tell how far the engine is with recovering.
func (c *serveConfig) connect(logger *slog.Logger) {
	progress := &actor.Progress{}
	c.count()
	c.engine.Logger, c.engine.Progress = logger, progress
	c.wire.Logger = logger
	c.wire.Progress = func() (done, total int64) { return progress.Recovered.Load(), progress.Partitions.Load() }
}

// open recovers what is stored, while the server tells how far that is. A signal ends the wait: the engine is nil
// then, and what it has not finished is for the next start, as after a crash.
func open(c actor.Config, signals <-chan os.Signal) (*actor.Broker, error) {
	type result struct {
		engine *actor.Broker
		err    error
	}
	opened := make(chan result, 1)
	go func() {
		engine, err := actor.Open(c)
		opened <- result{engine, err}
	}()
	select {
	case r := <-opened:
		var damaged *actor.MetadataError
		if errors.As(r.err, &damaged) {
			r.err = fmt.Errorf("%w; see more: flashq check %s; rebuild it: flashq check %[2]s --repair", r.err, c.Dir)
		}
		return r.engine, r.err
	case s := <-signals:
		c.Logger.Info("stopping while recovering", "signal", s.String())
		return nil, nil //nolint:nilnil // nothing was opened, and nothing is wrong
	}
}

// heapRoom is what the process may use beside memory storage: bodies and answers in flight, and the runtime.
const heapRoom = 1 << 30

// limitHeap keeps the collector from letting the heap grow to twice of what memory storage holds. GOMEMLIMIT wins.
func limitHeap(c actor.Config) {
	if c.Dir == "" && os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(c.MemoryBytes + heapRoom)
	}
}

// stop ends the server, also one that has not begun to accept yet: then it meets a closed listener.
func stop(server *http.Server, bound listeners, served <-chan error, logger *slog.Logger) error {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownGrace)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		logger.Warn("requests that did not arrive whole are cut off", "error", err)
	}
	_ = bound.close() // closed already, but by a server that had not begun
	if err := <-served; !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
}

// exitOnSecondSignal ends the process at the second signal; recovery has the rest.
func exitOnSecondSignal(signals <-chan os.Signal, stderr io.Writer) {
	s := <-signals
	fmt.Fprintf(stderr, "flashq: second %s, stopping at once\n", s)
	os.Exit(exitFailed)
}

func banner(logger *slog.Logger, addr string, c actor.Config, found actor.Found) {
	about := []any{"addr", addr, "version", Version(), "storage", "memory"}
	if c.Dir != "" {
		about = append(about[:len(about)-1], "file", "data_dir", c.Dir)
	} else {
		about = append(about, "memory_limit", humanize.IBytes(uint64(c.MemoryBytes)))
	}
	about = append(about, "topics", found.Topics, "groups", found.Groups, "commits", found.Commits,
		"records", humanize.Comma(found.Records), "took", found.Took.Round(time.Microsecond).String())
	logger.Info("flashq is listening", about...)
	if found.Failed > 0 || found.Damaged > 0 || found.Cut > 0 {
		logger.Warn("recovery found damage", "failed_partitions", found.Failed, "damaged_ranges", found.Damaged,
			"cut_bytes", found.Cut)
	}
}
