package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"syscall"

	"flashq/client"
)

// write writes a page's records out, all of them in one go, and waits until they are taken.
func (f *consuming) write(ctx context.Context, page *client.Fetched) error {
	if len(page.Records) == 0 {
		return f.taken(ctx, f.cmd.OutOrStdout()) // a member whose reader is gone holds partitions for nobody
	}
	w := f.cmd.OutOrStdout()
	p, err := wholePage(page, &f.show)
	if err == nil {
		err = f.show.write(w, p)
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
		return fmt.Errorf("%w; what was written last is not acknowledged, it comes again; to take N and go, use -n N", err)
	}
	return err
}

// taken waits for who reads the output, for as long as ctx lasts and a moment more.
func (f *consuming) taken(ctx context.Context, w io.Writer) error {
	patient, cancel := outlive(ctx)
	defer cancel()
	return taken(patient, w, f.count > 0 && f.written >= f.count)
}

// wholePage is a page as it came.
func wholePage(page *client.Fetched, by *showing) (p recordPage, err error) {
	p = recordPage{records: page.Records, page: bytes.TrimSpace(page.JSON)}
	if by.needsLines() {
		p.lines, err = itemsOf(page.JSON, "records")
	}
	return p, err
}

// warnOfDamage keeps a loop that meets nothing else from spinning.
func (f *consuming) warnOfDamage(ctx context.Context, page *client.Fetched) {
	if f.missing.tell(f.cmd, page) && len(page.Records) == 0 {
		idle(ctx, longestPause/4)
	}
}
