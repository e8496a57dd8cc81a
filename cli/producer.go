package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"flashq/client"
)

func producerCommand() *cobra.Command {
	t := &target{}
	c := family("producer", "Store records in a topic", producerRecordsCommand(t))
	t.define(c)
	return c
}

// producing is one run of flashq producer records.
type producing struct {
	key       string
	headers   []string
	partition int
	batch     string
	retryFor  time.Duration

	tally
}

func producerRecordsCommand(t *target) *cobra.Command {
	p := &producing{tally: newTally()}
	c := &cobra.Command{
		Use:   "records TOPIC [VALUE]",
		Short: "Store one record, or all records of a file",
		Long: "Store one record with VALUE, or with --batch the records of a file or of standard input. A file is a list\n" +
			"of record objects, a document {\"records\":[...]}, or NDJSON: one record object per line. Many records go in\n" +
			"several requests, each of which is stored whole or not at all.\n\n" +
			"A request that gets no answer, or one that asks to come again, is sent again and stored once: it has a key from\n" +
			"its first try on. A broker that was never reached is not waited for.",
		Example: "  flashq producer records news 'Hello' --key user123 --header source=auth\n" +
			"  flashq producer records news --batch records.ndjson\n" +
			"  zcat day.ndjson.gz | flashq producer records news --batch -",
		Args: checkArguments,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := p.check(cmd, args); err != nil {
				return err
			}
			return t.withClient(cmd, func(ctx context.Context, c *client.Client) error { return p.run(ctx, cmd, c, args) })
		},
	}
	fs := c.Flags()
	fs.SortFlags = false
	fs.StringVar(&p.key, "key", "", "key of the record (default none)")
	fs.StringArrayVar(&p.headers, "header", nil, "header of the record as name=value; may be repeated")
	fs.IntVar(&p.partition, "partition", -1, "partition for records that name none (default by key)")
	fs.Lookup("partition").DefValue = "0" // the help says what none means
	fs.StringVar(&p.batch, "batch", "", "file of records, .json or .ndjson; - is standard input")
	fs.DurationVar(&p.retryFor, "retry-for", 30*time.Second, "how long to try a request again, up to 5m; 0: never")
	p.out.define(c)
	return c
}

func (p *producing) check(cmd *cobra.Command, args []string) error {
	value, batch := len(args) == 2, cmd.Flags().Changed("batch")
	switch {
	case value == batch:
		return errors.New("allowed: either a VALUE, or --batch FILE (- is standard input)")
	case batch && (cmd.Flags().Changed("key") || len(p.headers) > 0):
		return errors.New("--key and --header are for a VALUE; the records of --batch have their own")
	case cmd.Flags().Changed("partition") && p.partition < 0:
		return fmt.Errorf("--partition %d; allowed: 0 and more", p.partition)
	case p.retryFor < 0 || p.retryFor > client.MostRetry:
		return fmt.Errorf("--retry-for %s; allowed: 0 to %s", p.retryFor, client.MostRetry)
	}
	return checkHeaders(p.headers)
}

func checkHeaders(headers []string) error {
	for _, h := range headers {
		if name, _, ok := strings.Cut(h, "="); !ok || name == "" {
			return fmt.Errorf("--header %q; allowed: name=value", h)
		}
	}
	return nil
}

func (p *producing) run(ctx context.Context, cmd *cobra.Command, c *client.Client, args []string) error {
	o := client.ProduceOptions{
		Offsets: p.out.format.value == "ndjson",
		Retry:   client.Retry{For: p.retryFor, Tell: tellAgain(cmd)},
	}
	if p.partition >= 0 {
		o.Partition = &p.partition
	}
	var err error
	if len(args) == 2 {
		err = p.one(ctx, cmd, c, o, args[0], args[1])
	} else {
		err = p.many(ctx, cmd, c, o, args[0])
	}
	if failed := p.close(cmd.OutOrStdout()); failed != nil {
		err = errors.Join(err, failed)
	}
	if err != nil && p.stored > 0 {
		return fmt.Errorf("after %d records that are stored: %w", p.stored, err)
	}
	return err
}

// tellAgain tells of each try that failed and is repeated.
func tellAgain(cmd *cobra.Command) func(error, time.Duration) {
	return func(err error, wait time.Duration) {
		cmd.PrintErrf("flashq: %s; trying again in %s\n", oneLine(err), wait)
	}
}

// one stores what the command line itself holds.
func (p *producing) one(
	ctx context.Context, cmd *cobra.Command, c *client.Client, o client.ProduceOptions, topic, value string,
) error {
	r := client.ProducerRecord{Value: []byte(value)}
	if cmd.Flags().Changed("key") {
		r.Key = []byte(p.key)
	}
	for _, h := range p.headers {
		name, value, _ := strings.Cut(h, "=")
		r.Headers = append(r.Headers, client.Header{Key: name, Value: []byte(value)})
	}
	done, err := c.Produce(ctx, topic, []client.ProducerRecord{r}, o)
	if err != nil {
		return err
	}
	return p.add(cmd.OutOrStdout(), done)
}

// many stores what a file holds, a request after the other.
func (p *producing) many(
	ctx context.Context, cmd *cobra.Command, c *client.Client, o client.ProduceOptions, topic string,
) error {
	in, err := openBatch(ctx, p.batch, cmd.InOrStdin())
	if err != nil {
		return err
	}
	defer in.close()
	for {
		body, err := in.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return wrongInput("--batch %s: %w", p.batch, err)
		}
		done, err := c.ProduceBody(ctx, topic, in.media, body, o)
		if err != nil {
			return err
		}
		if err := p.add(cmd.OutOrStdout(), done); err != nil {
			return err
		}
	}
	if p.stored == 0 {
		return wrongInput("--batch %s: no record in it", p.batch)
	}
	return nil
}
