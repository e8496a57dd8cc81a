package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"syscall"

	"flashq/client"
)

// write writes a page's records out, all of them in one go, and waits until they are taken.
func (f *consuming) write(ctx context.Context, page *client.Fetched) error {
	if len(page.Records) == 0 {
		return f.taken(ctx, f.cmd.OutOrStdout()) // a member whose reader is gone holds partitions for nobody
	}
	w := f.cmd.OutOrStdout()
	var err error
	if f.out.format.value == "table" {
		_, err = fmt.Fprint(w, f.rows(page))
	} else {
		err = f.out.print(w, page.JSON, "records", nil)
	}
	switch {
	case errors.Is(err, syscall.EPIPE):
		err = errPipe
	case err != nil:
		return fmt.Errorf("write the records: %w", err)
	default:
		f.written += len(page.Records)
		err = f.taken(ctx, w)
	}
	if errors.Is(err, errPipe) {
		return fmt.Errorf("%w; what was written last is not acknowledged, it comes again; to take N and go: --count N", err)
	}
	return err
}

// taken waits for who reads the output, for as long as ctx lasts and a moment more.
func (f *consuming) taken(ctx context.Context, w io.Writer) error {
	patient, cancel := outlive(ctx)
	defer cancel()
	return taken(patient, w, f.count > 0 && f.written >= f.count)
}

// rows are a page as lines of one long table, whose columns can't wait for what comes.
func (f *consuming) rows(page *client.Fetched) string {
	const format = "%9v %9v  %-24s  %-16s  %s"
	var b strings.Builder
	line := func(partition, offset any, time, key, value, headers string) {
		text := fmt.Sprintf(format, partition, offset, time, key, value)
		if f.headers && headers != "" {
			text += "  " + headers
		}
		b.WriteString(strings.TrimRight(text, " ") + "\n")
	}
	if !f.headed {
		line("partition", "offset", "time", "key", "value", "headers")
		f.headed = true
	}
	for _, r := range page.Records {
		line(r.Partition, r.Offset, moment(r.Timestamp), cell(r.Key), cell(r.Value), headersCell(r.Headers))
	}
	return b.String()
}

// warnOfDamage warns once of each stretch that can't be read and of a place beyond the end, and keeps a loop that meets
// nothing else from spinning.
func (f *consuming) warnOfDamage(ctx context.Context, page *client.Fetched) {
	warned, spoilt := *page, false
	warned.Partitions = nil
	for _, p := range page.Partitions {
		if f.ahead == nil && p.Beyond > 0 {
			f.ahead = map[int]bool{}
		}
		if told := f.ahead[p.Partition]; told {
			p.Beyond = 0
		} else if p.Beyond > 0 {
			f.ahead[p.Partition] = true
		}
		if p.Error != nil {
			spoilt = true
			if at, told := f.damaged[p.Partition]; told && at == p.Error.FirstOffset {
				continue
			}
			if f.damaged == nil {
				f.damaged = map[int]int64{}
			}
			f.damaged[p.Partition] = p.Error.FirstOffset
		}
		warned.Partitions = append(warned.Partitions, p)
	}
	warn(f.cmd, &warned)
	if spoilt && len(page.Records) == 0 {
		idle(ctx, longestPause/4)
	}
}
