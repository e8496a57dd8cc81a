package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// patience bounds how long a server may take to start or to stop.
const patience = time.Minute

// child is a server that we started, and the only kind of process that we end.
type child struct {
	cmd     *exec.Cmd
	log     string        // a file
	done    chan struct{} // closed when it has ended
	startup time.Duration // until it answered
}

// launch starts a server whose log goes into a folder, and waits until ready finds nothing wrong.
func launch(ctx context.Context, folder string, env []string, ready func(context.Context) error, name string,
	args ...string) (*child, error) {
	c := &child{cmd: exec.Command(name, args...), log: filepath.Join(folder, "log"), done: make(chan struct{})}
	log, err := os.Create(c.log)
	if err != nil {
		return nil, fmt.Errorf("log: %w", err)
	}
	c.cmd.Stdout, c.cmd.Stderr, c.cmd.Env = log, log, append(os.Environ(), env...)
	c.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	began := time.Now()
	err = c.cmd.Start()
	_ = log.Close() // the child has its own
	if err != nil {
		return nil, fmt.Errorf("start: %w", err)
	}
	go func() {
		_ = c.cmd.Wait() // how a server ends on SIGTERM is its own affair
		close(c.done)
	}()
	if err := c.await(ctx, ready); err != nil {
		err = fmt.Errorf("%s: %w; its log ends in: %s", filepath.Base(name), err, c.tail())
		c.stop()
		return nil, err
	}
	c.startup = time.Since(began)
	return c, nil
}

func (c *child) await(ctx context.Context, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("no answer: %w", err)
		case <-c.done:
			return errors.New("it ended")
		case <-tick.C:
		}
	}
}

// stop ends it, by force if it has to.
func (c *child) stop() {
	_ = c.cmd.Process.Signal(syscall.SIGTERM) // fails when it has ended
	select {
	case <-c.done:
	case <-time.After(patience / 4):
		_ = c.cmd.Process.Kill()
		<-c.done
	}
}

func (c *child) pid() string { return strconv.Itoa(c.cmd.Process.Pid) }

// resident is the memory that it holds now, in bytes.
func (c *child) resident() (float64, error) {
	status, err := os.ReadFile("/proc/" + c.pid() + "/status")
	if err != nil {
		return 0, fmt.Errorf("resident memory: %w", err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0, errors.New("resident memory: /proc does not say")
	}
	kib, err := strconv.ParseFloat(fields[0], 64)
	return kib * 1024, err
}

func (c *child) tail() string {
	log, err := os.ReadFile(c.log)
	if err != nil {
		return err.Error()
	}
	return string(log[max(0, len(log)-2000):])
}

// output runs a client to its end and returns what it printed. It is killed when the context ends.
func output(ctx context.Context, env []string, name string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w: %s%s", filepath.Base(name), strings.Join(args, " "), err, said.String(),
			out.String())
	}
	return out.String(), nil
}

// freePort finds one that is free together with the next.
func freePort() (int, error) {
	for range 100 {
		one, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return 0, fmt.Errorf("port: %w", err)
		}
		port := one.Addr().(*net.TCPAddr).Port
		two, err := net.Listen("tcp", address(port+1))
		_ = one.Close() // nothing was accepted
		if err == nil {
			_ = two.Close()
			return port, nil
		}
	}
	return 0, errors.New("port: no two free ones side by side")
}

func address(port int) string { return "127.0.0.1:" + strconv.Itoa(port) }
