package loadtest

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"flashq/loadtest/drive/drivetest"

	"go.uber.org/goleak"
)

// TestMain lets this binary stand for the flashq binary where Run starts it again.
func TestMain(m *testing.M) {
	switch args := os.Args[1:]; {
	case len(args) > 1 && args[0] == "loadtest" && args[1] == "noop-server":
		size, err := strconv.Atoi(strings.TrimPrefix(args[3], "--answer-bytes="))
		exitWith(errors.Join(err, NoopServer(strings.TrimPrefix(args[2], "--listen="), size, os.Stdin, os.Stdout)))
	case len(args) > 0 && args[0] == "--listen=127.0.0.1:0":
		exitWith(serveAsChild(args))
	default:
		goleak.VerifyTestMain(m,
			// fasthttp's clock and its cleaner outlive a server that was shut down, the latter by 10 s.
			goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
			goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
	}
}

func exitWith(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// serveAsChild is a server with FlashQ's banner, which runs until it is killed.
func serveAsChild(args []string) error {
	if slices.Contains(args, "--batch-bytes=13") {
		return fmt.Errorf("13 is unlucky")
	}
	p := drivetest.New()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	log.Info("topics are recovered", "count", 0)
	log.Info("flashq is listening", "addr", p.Address, "storage", "memory")
	select {}
}
