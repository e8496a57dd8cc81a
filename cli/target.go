package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"syscall"

	"github.com/spf13/cobra"

	"flashq/client"
)

// serverVariable names the broker for all client commands.
const serverVariable = "FLASHQ_SERVER"

// target is which broker a client command talks to: a flag, else the environment, else this machine.
type target struct {
	port   port
	server string
	trust  trust
}

func (t *target) define(c *cobra.Command) { t.defineWith(c, "p") }

// defineLong is for commands where -p is the partition.
func (t *target) defineLong(c *cobra.Command) { t.defineWith(c, "") }

func (t *target) defineWith(c *cobra.Command, shortPort string) {
	t.port = 8080
	fs := c.PersistentFlags()
	fs.VarP(&t.port, "port", shortPort, "port of a broker on this machine, plain HTTP; wins over $"+serverVariable)
	fs.StringVar(&t.server, "server", "", "URL of the broker (default $"+serverVariable+", else this machine's --port)")
	t.trust.define(fs)
}

// address is the broker's URL, and who said so.
func (t *target) address(cmd *cobra.Command) (server, source string, err error) {
	byPort, byURL := cmd.Flags().Changed("port"), cmd.Flags().Changed("server")
	switch env := os.Getenv(serverVariable); {
	case byPort && byURL:
		return "", "", errors.New("--port and --server are both given; allowed: one of them")
	case byURL && t.server == "":
		return "", "", errors.New(`--server ""; allowed: a URL such as ` + client.DefaultServer)
	case byURL:
		return t.server, "--server", nil
	case !byPort && env != "":
		return env, "$" + serverVariable, nil
	}
	return "http://127.0.0.1:" + t.port.String(), "--port", nil
}

// withClient does a command's work with a client of its target. An error of the work is told apart by outcome; the
// first interrupt ends the work's context, a second one the process.
func (t *target) withClient(cmd *cobra.Command, work func(ctx context.Context, c *client.Client) error) error {
	server, source, err := t.address(cmd)
	if err != nil {
		return err
	}
	config := client.Config{Server: server}
	if config.Token, err = t.trust.secret(cmd.Flags()); err != nil {
		return err
	}
	if config.TLS, err = t.trust.authorities(cmd.Flags()); err != nil {
		return err
	}
	c, err := client.New(config)
	if err != nil {
		return fmt.Errorf("%s: %w", source, err)
	}
	defer c.Close()
	ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	err = work(ctx, c)
	switch {
	case errors.Is(err, errInterrupted):
		return err // it says more
	case err != nil && ctx.Err() != nil:
		return errInterrupted
	}
	return outcome(err)
}

// outcome marks what the work ran into, unless it is the user's input that is wrong.
func outcome(err error) error {
	var input *inputError
	if errors.As(err, &input) || errors.Is(err, client.ErrName) {
		return err
	}
	return failed(named(err))
}

// inputError is something on the command line, or in a file that it names, that can't be used.
type inputError struct{ error }

func (e *inputError) Unwrap() error { return e.error }

func wrongInput(format string, args ...any) error { return &inputError{fmt.Errorf(format, args...)} }

// port is a flag that holds a TCP port.
type port uint16

// String implements pflag.Value.
func (p *port) String() string { return strconv.Itoa(int(*p)) }

// Type implements pflag.Value.
func (*port) Type() string { return "port" }

// Set implements pflag.Value.
func (p *port) Set(s string) error {
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || n == 0 {
		return errors.New("allowed: 1 to 65535")
	}
	*p = port(n)
	return nil
}
