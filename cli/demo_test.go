package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"flashq/client"
)

// runDemo runs the command with an input; nothing of the broker in it may be left running.
func runDemo(ctx context.Context, t *testing.T, in io.Reader, out io.Writer, args ...string) error {
	t.Helper()
	before := goleak.IgnoreCurrent()
	c := demoCommand()
	c.SilenceErrors, c.SilenceUsage = true, true
	c.SetArgs(args)
	c.SetIn(in)
	c.SetOut(out)
	err := c.ExecuteContext(ctx)
	goleak.VerifyNone(t, before,
		// fasthttp keeps one clock goroutine for the whole process, and a server's janitor sees its end up to 10 s late.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"))
	return err
}

func TestTheDemoLeavesNothingRunning(t *testing.T) {
	for _, in := range []string{"", "5\n", "4\n5\nnever read\n", "1\na\nb\nc\n3"} {
		var out bytes.Buffer
		if err := runDemo(t.Context(), t, strings.NewReader(in), &out); err != nil {
			t.Errorf("%q: %v", in, err)
		}
	}
	if err := runDemo(t.Context(), t, strings.NewReader(""), io.Discard, "--script=quick"); err != nil {
		t.Error(err)
	}
}

// Somebody presses Ctrl-C while the menu waits at a terminal.
func TestAnInterruptEndsTheDemo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	typed, keyboard := io.Pipe()
	defer keyboard.Close()
	c := demoCommand()
	c.SilenceErrors, c.SilenceUsage = true, true
	c.SetArgs(nil)
	c.SetIn(typed)
	c.SetOut(writerFunc(func(p []byte) (int, error) {
		if strings.HasPrefix(string(p), "choice") {
			cancel()
		}
		return len(p), nil
	}))
	if err := c.ExecuteContext(ctx); !errors.Is(err, errInterrupted) {
		t.Error(err)
	}
}

// An output that is full is no success.
func TestADemoThatCannotPrintFails(t *testing.T) {
	full := errors.New("disk full")
	for _, args := range [][]string{nil, {"--script=quick"}} {
		err := runDemo(t.Context(), t, strings.NewReader("5\n"),
			writerFunc(func([]byte) (int, error) { return 0, full }), args...)
		var f failure
		if !errors.Is(err, full) || !errors.As(err, &f) {
			t.Errorf("%v: %v", args, err)
		}
	}
}

type writerFunc func(p []byte) (int, error)

func (w writerFunc) Write(p []byte) (int, error) { return w(p) }

func TestPipesEndWithTheirListener(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p := newPipes()
	if _, err := p.Dial(ctx, "", ""); !errors.Is(err, context.Canceled) {
		t.Errorf("nobody accepts: %v", err)
	}
	for range 2 {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := p.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("accept: %v", err)
	}
	if _, err := p.Dial(t.Context(), "", ""); !errors.Is(err, net.ErrClosed) {
		t.Errorf("dial: %v", err)
	}
}

// The broker in the process is the real one, and its errors are.
func TestTheBrokerInTheProcessAnswers(t *testing.T) {
	err := inProcess(t.Context(), func(c *client.Client) error {
		_, err := c.Topic(t.Context(), "nowhere")
		return err
	})
	var e *client.Error
	if !errors.As(err, &e) || e.Code != "topic_not_found" {
		t.Error(err)
	}
}
