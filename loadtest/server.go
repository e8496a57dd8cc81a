package loadtest

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"flashq/loadtest/drive"
)

// server is what a driver talks to: a child of ours, or a FlashQ that runs anyway.
type server struct {
	child   *child      // nil for a target
	address string      // host:port
	token   string      // for each request; "": none
	tls     *tls.Config // nil: plain HTTP
	pid     int         // 0 where unknown
	folder  string      // removed at the end; "" where there is none
}

// host is whom requests to it are for.
func (s *server) host() drive.Host { return drive.Host{Name: s.address, Token: s.token} }

// stays tells that the server is somebody's, and outlives the run.
func (s *server) stays() bool { return s.child == nil }

// stop ends a child of ours and removes its data; a target is left alone.
func (s *server) stop() {
	if s.child != nil {
		s.child.stop()
	}
	if s.folder != "" {
		_ = os.RemoveAll(s.folder) // a temporary folder: the system clears what stays
	}
}

// explain adds what is known about the server's end to an error that a client met.
func (s *server) explain(ctx context.Context, err error) error {
	if s.child == nil || ctx.Err() != nil {
		return err
	}
	return s.child.explain(err)
}

func startNoop(ctx context.Context, c Config, answerBytes int) (*server, error) {
	child, err := startChild(ctx, c.Pin, bareAddress, "loadtest", "noop-server", "--listen=127.0.0.1:0",
		"--answer-bytes="+strconv.Itoa(answerBytes))
	if err != nil {
		return nil, err
	}
	return &server{child: child, address: child.address, pid: child.pid()}, nil
}

// startFlashQ starts FlashQ, or finds the one that runs as the target.
func startFlashQ(ctx context.Context, c Config) (*server, error) {
	if c.Target != "" {
		return findTarget(ctx, c)
	}
	s := &server{}
	args := flashqArgs(c.Server)
	if c.Storage != "memory" {
		folder, err := os.MkdirTemp("", "flashq-loadtest-")
		if err != nil {
			return nil, fmt.Errorf("data folder: %w", err)
		}
		s.folder = folder
		args = append(args, "--data-dir="+folder)
	}
	child, err := startChild(ctx, c.Pin, bannerAddress, args...)
	if err != nil {
		s.stop()
		return nil, err
	}
	s.child, s.address, s.pid = child, child.address, child.pid()
	return s, nil
}

// findTarget looks whether the target answers at all before any time is spent.
func findTarget(ctx context.Context, c Config) (*server, error) {
	address, err := targetAddress(c.Target)
	if err != nil {
		return nil, err
	}
	if _, ok := drive.ProcessCPU(c.ServerPID); !ok && c.ServerPID != 0 {
		return nil, fmt.Errorf("%w: --server-pid %d: there is no such process here whose CPU time can be known", ErrConfig,
			c.ServerPID)
	}
	var d net.Dialer
	probe, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", c.Target, ErrUnreachable, err)
	}
	_ = probe.Close()
	return &server{address: address, token: c.Token, tls: c.secure(address), pid: c.ServerPID}, nil
}

// flashqArgs are the flags that a Server stands for; what is not set stays FlashQ's own default.
func flashqArgs(s Server) []string {
	args := []string{"--listen=127.0.0.1:0", "--storage=" + s.Storage}
	if s.Fsync != "" {
		args = append(args, "--fsync="+s.Fsync)
	}
	if s.BatchBytes > 0 {
		args = append(args, "--batch-bytes="+strconv.FormatInt(s.BatchBytes, 10))
	}
	if s.MemoryBytes > 0 {
		args = append(args, "--memory-bytes="+strconv.FormatInt(s.MemoryBytes, 10))
	}
	return args
}

// bareAddress sees a line that is nothing but an address.
func bareAddress(line string) string {
	if _, port, err := net.SplitHostPort(line); err != nil || port == "" {
		return ""
	}
	return line
}

// bannerAddress sees the address in FlashQ's first log line.
func bannerAddress(line string) string {
	if !strings.Contains(line, `msg="flashq is listening"`) {
		return ""
	}
	for field := range strings.FieldsSeq(line) {
		if address, found := strings.CutPrefix(field, "addr="); found {
			return bareAddress(strings.Trim(address, `"`))
		}
	}
	return ""
}
