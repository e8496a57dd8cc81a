package cli

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/dustin/go-humanize/english"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"flashq/client"
)

// fetching is one run of flashq consumer fetch.
type fetching struct {
	options   client.FetchOptions
	timeoutMs int
	headers   bool
	ack       bool
	out       output
}

func consumerFetchCommand(t *target) *cobra.Command {
	f := &fetching{out: newOutput()}
	c := &cobra.Command{
		Use:   "fetch GROUP TOPIC",
		Short: "Read records of a topic, from where the consumer group's commits are",
		Long: "Read records of a topic, from where the consumer group's commits are, or from where a flag says for this\n" +
			"time. Without --ack the next fetch delivers the same records again.",
		Example: "  flashq consumer fetch audit news --ack\n" +
			"  flashq consumer fetch audit news --from-time -15m --max-records 1000 -o ndjson",
		Args: checkArguments,
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := f.check(cmd); err != nil {
				return err
			}
			return t.withClient(cmd, func(ctx context.Context, c *client.Client) error {
				return f.run(ctx, cmd, c, args[0], args[1])
			})
		},
	}
	fs := c.Flags()
	fs.SortFlags = false
	fs.IntVar(&f.options.MaxRecords, "max-records", 100, "records at most, 1 to 10000")
	fs.StringVar(&f.options.FromOffset, "from-offset", "", "start at earliest, latest, N, or -N for the last N")
	fs.StringVar(&f.options.FromTime, "from-time", "", "start at a time: RFC 3339, epoch milliseconds, or ago as -15m")
	fs.IntVar(&f.timeoutMs, "timeout-ms", 0, "how long to wait for a record, up to 60000")
	fs.BoolVar(&f.headers, "include-headers", true, "show the records' headers")
	fs.BoolVar(&f.ack, "ack", false, "commit what was printed (and read, on Linux); a commit that is further on stays")
	f.out.define(c)
	return c
}

func (f *fetching) check(cmd *cobra.Command) error {
	fs := cmd.Flags()
	switch {
	case f.options.MaxRecords < 1 || f.options.MaxRecords > 10_000:
		return fmt.Errorf("--max-records %d; allowed: 1 to 10000", f.options.MaxRecords)
	case f.timeoutMs < 0 || f.timeoutMs > 60_000:
		return fmt.Errorf("--timeout-ms %d; allowed: 0 to 60000", f.timeoutMs)
	case fs.Changed("from-offset") && fs.Changed("from-time"):
		return errors.New("--from-offset and --from-time are both given; allowed: one of them")
	case fs.Changed("from-offset") && f.options.FromOffset == "":
		return errors.New(`--from-offset ""; allowed: earliest, latest, N, or -N for the last N`)
	case fs.Changed("from-time") && f.options.FromTime == "":
		return errors.New(`--from-time ""; allowed: RFC 3339, epoch milliseconds, or a time ago such as -15m`)
	}
	return nil
}

func (f *fetching) run(ctx context.Context, cmd *cobra.Command, c *client.Client, group, topic string) error {
	o := f.options
	o.Group, o.Wait, o.OmitHeaders = group, time.Duration(f.timeoutMs)*time.Millisecond, !f.headers
	page, err := c.Fetch(ctx, topic, o)
	if err != nil {
		return err
	}
	if f.ack {
		defer holdPipe()()
	}
	show := func() string { return recordsTable(page, f.headers) }
	err = f.out.print(cmd.OutOrStdout(), page.JSON, "records", show)
	if f.ack && err == nil {
		err = taken(ctx, cmd.OutOrStdout(), cmd.Flags().Changed("max-records"))
	}
	if f.ack && (errors.Is(err, errPipe) || errors.Is(err, syscall.EPIPE)) {
		return fmt.Errorf("%w; nothing is committed; to take N records: --max-records N", errPipe)
	}
	if err != nil {
		return err
	}
	warn(cmd, page)
	items := acknowledged(topic, page)
	if !f.ack || len(items) == 0 {
		return nil
	}
	if _, err := c.Commit(ctx, group, items, client.CommitOptions{}); err != nil {
		return fmt.Errorf("the records are printed, but not committed: %w", err)
	}
	return nil
}

// warn tells what a list of records can't: what is missing from it.
func warn(cmd *cobra.Command, page *client.Fetched) {
	for _, p := range page.Partitions {
		if p.Gap > 0 {
			cmd.PrintErrf("flashq: partition %d: %s records before offset %d are gone by retention\n",
				p.Partition, humanize.Comma(p.Gap), p.Earliest)
		}
		if p.Beyond > 0 {
			cmd.PrintErrf("flashq: partition %d: offset %d is %s beyond the end; was the topic made anew?\n",
				p.Partition, p.NextOffset, humanize.Comma(p.Beyond))
		}
		switch {
		case p.Error == nil:
		case p.Error.Code != "storage_error":
			cmd.PrintErrf("flashq: partition %d: offsets %d to before %d are damaged; go on at %[3]d\n",
				p.Partition, p.Error.FirstOffset, p.Error.NextGoodOffset)
		case p.Error.NextOffset > 0:
			cmd.PrintErrf("flashq: partition %d: the file with offsets %d to before %d can't be read\n",
				p.Partition, p.Error.FirstOffset, p.Error.NextOffset)
		default:
			cmd.PrintErrf("flashq: partition %d can't be opened\n", p.Partition)
		}
	}
}

// acknowledged is a commit of what a page delivered: nothing where it delivered nothing, and never back, as the API's
// own ack has it.
func acknowledged(topic string, page *client.Fetched) (items []client.CommitItem) {
	delivered := map[int]bool{}
	for _, r := range page.Records {
		delivered[r.Partition] = true
	}
	committed := map[int]int64{}
	if page.Group != nil {
		committed = offsetsOf(page.Group.Committed)
	}
	for _, p := range page.Partitions {
		if delivered[p.Partition] && p.NextOffset > committed[p.Partition] {
			items = append(items, client.CommitItem{Topic: topic, Partition: new(p.Partition), Offset: new(p.NextOffset)})
		}
	}
	return items
}

// offsetsOf reads a position such as 0:15,2:7; what it can't read is not there.
func offsetsOf(position string) map[int]int64 {
	offsets := map[int]int64{}
	for mark := range strings.SplitSeq(position, ",") {
		partition, offset, _ := strings.Cut(mark, ":")
		p, err1 := strconv.Atoi(partition)
		o, err2 := strconv.ParseInt(offset, 10, 64)
		if err1 == nil && err2 == nil {
			offsets[p] = o
		}
	}
	return offsets
}

func recordsTable(page *client.Fetched, headers bool) string {
	head := table.Row{"partition", "offset", "time", "key", "value"}
	if headers {
		head = append(head, "headers")
	}
	var rows []table.Row
	for _, r := range page.Records {
		row := table.Row{plain(r.Partition), plain(r.Offset), moment(r.Timestamp), cell(r.Key), cell(r.Value)}
		if headers {
			row = append(row, headersCell(r.Headers))
		}
		rows = append(rows, row)
	}
	return fmt.Sprintf("%s\n%s; %s left", tableOf(head, rows), english.Plural(len(page.Records), "record", ""),
		humanize.Comma(page.Lag))
}

func headersCell(headers []client.Header) string {
	const most = 60
	list := make([]string, len(headers))
	for i, h := range headers {
		list[i] = cell([]byte(h.Key)) + "=" + cell(h.Value)
	}
	return clip(strings.Join(list, " "), most)
}
