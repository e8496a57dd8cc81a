package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"strings"
	"syscall"

	"github.com/spf13/cobra"

	"flashq/actor"
	"flashq/client"
	"flashq/http"
)

func demoCommand() *cobra.Command {
	script := ""
	c := &cobra.Command{
		Use:   "demo",
		Short: "Try FlashQ in this terminal, on no port and without leaving anything behind",
		Args:  checkArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if cmd.Flags().Changed("script") && script != "quick" {
				return fmt.Errorf("--script %q; allowed: quick", script)
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			context.AfterFunc(ctx, stop) // a second signal ends the process
			err := inProcess(ctx, func(c *client.Client) error {
				d := &demo{Client: c, out: cmd.OutOrStdout()}
				if script == "quick" {
					err := d.quick(ctx)
					return errors.Join(err, d.printErr)
				}
				in := interruptible(ctx, cmd.InOrStdin())
				defer in.Close() //nolint:errcheck // a pipe's never fails
				d.in = bufio.NewReader(in)
				err := d.run(ctx)
				return errors.Join(err, d.printErr)
			})
			if err != nil && ctx.Err() != nil {
				return errInterrupted
			}
			return failed(err)
		},
	}
	c.Flags().StringVar(&script, "script", "", "run this and exit: quick")
	return c
}

// inProcess runs a broker in memory for as long as work takes.
func inProcess(ctx context.Context, work func(c *client.Client) error) error {
	const memory = 64 << 20
	engine, err := actor.Open(actor.Config{MemoryBytes: memory})
	if err != nil {
		return err
	}
	ln := newPipes()
	server := http.New(http.Config{Broker: engine, Version: Version()})
	served := make(chan error, 1)
	go func() { served <- server.Serve(ln) }()
	c, err := client.New(client.Config{Dial: ln.Dial})
	if err == nil {
		if err = c.Ready(ctx); err == nil { // it serves from here on, so that Shutdown can end it
			err = work(c)
		}
		c.Close()
	}
	patience, stop := context.WithTimeout(context.Background(), shutdownGrace)
	defer stop()
	err = errors.Join(err, server.Shutdown(patience), ln.Close())
	return errors.Join(err, <-served, engine.Close())
}

// demo is one conversation.
type demo struct {
	*client.Client
	in       *bufio.Reader
	out      io.Writer
	printErr error // what kept a line from being printed
}

const menu = `
1  post a record
2  poll records from a topic
3  view all topics
4  quick demo
5  exit
`

// run shows the menu until somebody leaves: with 5, or by ending the input.
func (d *demo) run(ctx context.Context) error {
	actions := map[string]func(context.Context) error{"1": d.post, "2": d.poll, "3": d.topics, "4": d.quick}
	d.printf("FlashQ runs in this process: in memory, on no port.")
	for {
		d.printf("%s", menu)
		choice, err := d.ask("choice: ")
		if err != nil || choice == "5" {
			return ended(err)
		}
		action, ok := actions[choice]
		if !ok {
			d.printf("%q is no choice; allowed: 1 to 5", choice)
			continue
		}
		var refused *client.Error
		switch err := action(ctx); {
		case errors.As(err, &refused), errors.Is(err, client.ErrName):
			d.printf("%s", oneLine(err))
		case err != nil:
			return ended(err)
		}
	}
}

// errInputEnds is as good as an exit.
var errInputEnds = errors.New("the input ends")

func ended(err error) error {
	if errors.Is(err, errInputEnds) {
		return nil
	}
	return err
}

// printf prints a line. The first one that can't be printed is the demo's error in the end.
func (d *demo) printf(format string, args ...any) {
	if _, err := fmt.Fprintf(d.out, format+"\n", args...); err != nil && d.printErr == nil {
		d.printErr = fmt.Errorf("demo: %w", err)
	}
}

// ask prints a prompt and reads a line. The last one may lack its line feed; after it comes errInputEnds.
func (d *demo) ask(prompt string) (string, error) {
	if _, err := fmt.Fprint(d.out, prompt); err != nil {
		return "", fmt.Errorf("demo: %w", err)
	}
	line, err := d.in.ReadString('\n')
	if line = strings.TrimRight(line, "\r\n"); err == nil || line != "" {
		return line, nil
	}
	d.printf("")       // a terminal's own prompt begins on a line of its own
	if err == io.EOF { //nolint:errorlint // readers give it as it is
		err = errInputEnds
	}
	return "", err
}

func (d *demo) askTopic() (string, error) {
	topic, err := d.ask("topic [news]: ")
	if topic == "" {
		topic = "news"
	}
	return topic, err
}

func (d *demo) post(ctx context.Context) error {
	topic, err := d.askTopic()
	if err != nil {
		return err
	}
	key, err := d.ask("key [none]: ")
	if err != nil {
		return err
	}
	value, err := d.ask("value: ")
	if err != nil {
		return err
	}
	r := client.ProducerRecord{Value: []byte(value)}
	if key != "" {
		r.Key = []byte(key)
	}
	done, err := d.Produce(ctx, topic, []client.ProducerRecord{r}, client.ProduceOptions{})
	if err != nil {
		return err
	}
	d.printf("stored in partition %d at offset %d", done.Partitions[0].Partition, done.Offset)
	return nil
}

func (d *demo) poll(ctx context.Context) error {
	topic, err := d.askTopic()
	if err != nil {
		return err
	}
	page, err := d.Fetch(ctx, topic, client.FetchOptions{FromOffset: "-20"})
	if err != nil {
		return err
	}
	d.printf("%s", recordsTable(page, true))
	return nil
}

func (d *demo) topics(ctx context.Context) error {
	list, err := d.Topics(ctx, true)
	if err != nil {
		return err
	}
	d.printf("%s", topicsTable(list))
	return nil
}
