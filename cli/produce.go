package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"flashq/client"
)

// lineProducing is one run of flashq produce.
type lineProducing struct {
	key, delimiter  string
	headers         []string
	partition, skip int
	tombstones      bool
	file            string
	ndjson          bool
	unanswered      string
	retryFor        time.Duration
	tally

	// set by check
	encoder *recordEncoder // nil with --ndjson
	again   *parcel        // what --unanswered says
}

func produceCommand() *cobra.Command {
	t, p := &target{}, &lineProducing{tally: newTally()}
	c := &cobra.Command{
		Use:   "produce TOPIC [VALUE...]",
		Short: "Store values, or the lines of standard input as they come",
		Long: "Store each VALUE as a record, or else each line of --file or of standard input, empty ones included, as\n" +
			"soon as it comes. Any bytes but the line end survive. With --ndjson a line is a record object, as\n" +
			"flashq consume -o ndjson writes them: key, value, headers, timestamp and partition are kept; offsets are new.\n\n" +
			"A request that gets no answer, or one that asks to come again, is sent again and stored once: it has a key\n" +
			"from its first try on. A broker that was never reached is not waited for. One request is under way at a time,\n" +
			"so that the order of lines is that of records in each partition. What ends it early, Ctrl-C too, says how far\n" +
			"it came, and with which --skip, and where an answer is missing which --unanswered, the same command goes on:\n" +
			"nothing is lost and nothing stored twice, if that is within 10 minutes.",
		Example: "  flashq produce news 'Hello' 'World' -H source=auth\n" +
			"  tail -f app.log | flashq produce logs\n" +
			"  printf 'anna:1\\nbert:\\n' | flashq produce users -K: -Z\n" +
			"  flashq produce copy --ndjson --file records.ndjson",
		Args: checkArguments,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := p.check(cmd, args[1:]); err != nil {
				return err
			}
			return t.withClient(cmd, func(ctx context.Context, c *client.Client) error {
				return p.run(ctx, cmd, c, args[0], args[1:])
			})
		},
	}
	t.defineLong(c)
	p.define(c)
	return c
}

func (p *lineProducing) define(c *cobra.Command) {
	fs := c.Flags()
	fs.SortFlags = false
	fs.StringVarP(&p.delimiter, "key-delimiter", "K", "",
		`what stands after the key in a line, such as : or \t (default: no keys)`)
	fs.StringVarP(&p.key, "key", "k", "", "key of all records (default none)")
	fs.StringArrayVarP(&p.headers, "header", "H", nil, "header of all records as name=value; may be repeated")
	fs.IntVarP(&p.partition, "partition", "p", -1, "partition of all records that don't name one (default by key)")
	fs.Lookup("partition").DefValue = "0" // the help says what none means
	fs.BoolVarP(&p.tombstones, "tombstones", "Z", false, "an empty value is a tombstone, and an empty key none")
	fs.StringVar(&p.file, "file", "", "read the lines of a file; - is standard input")
	fs.BoolVar(&p.ndjson, "ndjson", false, "lines are record objects, as consume -o ndjson writes them")
	fs.IntVar(&p.skip, "skip", 0, "leave out so many lines, which an earlier run has stored")
	fs.StringVar(&p.unanswered, "unanswered", "", "lines that an earlier run got no answer for, as N:KEY, which it told")
	fs.DurationVar(&p.retryFor, "retry-for", 30*time.Second, "how long to try a request again, up to 5m; 0: never")
	p.out.define(c)
}

func (p *lineProducing) check(cmd *cobra.Command, values []string) (err error) {
	fs := cmd.Flags()
	keyed := fs.Changed("key")
	switch {
	case len(values) > 0 && (p.ndjson || fs.Changed("file")):
		return errors.New("allowed: VALUEs, or the lines of --file or --ndjson; not both")
	case p.ndjson && (keyed || fs.Changed("key-delimiter") || len(p.headers) > 0 || p.tombstones):
		return errors.New("--key, -K, -H and -Z are for lines that are values; the records of --ndjson have their own")
	case keyed && fs.Changed("key-delimiter"):
		return errors.New("--key and -K are both given; allowed: one of them")
	case fs.Changed("partition") && p.partition < 0:
		return fmt.Errorf("--partition %d; allowed: 0 and more", p.partition)
	case p.skip < 0:
		return fmt.Errorf("--skip %d; allowed: 0 and more", p.skip)
	case p.retryFor < 0 || p.retryFor > client.MostRetry:
		return fmt.Errorf("--retry-for %s; allowed: 0 to %s", p.retryFor, client.MostRetry)
	}
	if fs.Changed("key-delimiter") {
		if p.delimiter, err = delimiterOf(p.delimiter); err != nil {
			return err
		}
	}
	if p.again, err = unansweredOf(p.unanswered); err != nil {
		return err
	}
	if p.ndjson {
		return nil
	}
	var key *string
	if keyed {
		key = &p.key
	}
	p.encoder = newRecordEncoder(p.delimiter, key, p.headers, p.tombstones)
	return checkHeaders(p.headers)
}

// unansweredOf reads N:KEY, as a run that got no answer tells it.
func unansweredOf(text string) (*parcel, error) {
	if text == "" {
		return nil, nil //nolint:nilnil // nothing is unanswered, and nothing is wrong
	}
	lines, key, _ := strings.Cut(text, ":")
	n, err := strconv.Atoi(lines)
	if err != nil || n < 1 || key == "" {
		return nil, fmt.Errorf("--unanswered %q; allowed: N:KEY, as the run before told it", text)
	}
	return &parcel{lines: n, key: key}, nil
}

func (p *lineProducing) run(
	ctx context.Context, cmd *cobra.Command, c *client.Client, topic string, values []string,
) error {
	defer holdPipe()() // there is more to say than that nobody reads the answers
	quit := make(chan struct{})
	defer close(quit)
	f := &feed{
		encoder: p.encoder, skip: p.skip, again: p.again, newKey: client.NewIdempotencyKey,
		out: make(chan parcel), quit: quit,
	}
	noun := "line"
	if len(values) > 0 {
		noun = "value"
		go f.values(values)
	} else {
		in, err := p.open(cmd)
		if err != nil {
			return err
		}
		defer in.Close() //nolint:errcheck // it was only read
		go f.read(ctx, in)
	}
	s := &sender{
		cmd: cmd, client: c, topic: topic, tally: &p.tally, feed: f, position: p.skip, unknown: p.again,
		partition: p.partition, noun: noun, options: client.ProduceOptions{
			Offsets: p.out.format.value == "ndjson", Retry: client.Retry{For: p.retryFor},
		},
	}
	if p.partition >= 0 {
		s.options.Partition = &p.partition
	}
	err := s.run(ctx)
	if failed := orPipe(p.close(cmd.OutOrStdout())); failed != nil {
		err = errors.Join(err, failed)
	}
	return err
}

// open gives the input. Standard input stays open: a terminal can't be read and closed at a time.
func (p *lineProducing) open(cmd *cobra.Command) (io.ReadCloser, error) {
	if p.file != "" && p.file != "-" {
		file, err := os.Open(p.file)
		if err != nil {
			return nil, wrongInput("--file: %w", err)
		}
		return file, nil
	}
	in := cmd.InOrStdin()
	if f, ok := in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		cmd.PrintErrln("flashq: type a record a line; Ctrl-D ends")
	}
	return io.NopCloser(in), nil
}
