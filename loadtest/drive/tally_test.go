package drive

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

func TestMergedTalliesEqualOneThatSawAll(t *testing.T) {
	all, merged := NewTally(), NewTally()
	parts := []*Tally{NewTally(), NewTally(), NewTally()}
	for i := range 10_000 {
		took := time.Duration(i*i) * time.Microsecond // up to 100 s: over the longest as well
		for _, t := range []*Tally{all, parts[i%3]} {
			if i%100 == 99 {
				t.Note("503", "later")
				t.refused(503)
			} else {
				t.Succeeded(2, 200, int64(took))
			}
		}
	}
	parts[1].failed(io.EOF)
	all.failed(io.EOF)
	for _, p := range parts {
		p.drain(merged)
		if p.All() != 0 || p.Records != 0 || len(p.errors) != 0 || p.Latency.TotalCount() != 0 {
			t.Errorf("drained, and there is left %+v", p)
		}
	}
	if !merged.Latency.Equals(all.Latency) || merged.Max != all.Max || merged.OK != all.OK || merged.All() != 10_001 {
		t.Errorf("merged %+v, of all %+v", merged, all)
	}
	if merged.errors["503"] != 100 || merged.Refusal[503] != 100 || merged.Records != all.Records || merged.errors["connection lost"] != 1 {
		t.Errorf("errors %v", merged.errors)
	}
	for _, q := range []float64{50, 99, 99.9, 100} {
		if merged.Quantile(q) != all.Quantile(q) || merged.Quantile(q) > merged.Max {
			t.Errorf("quantile %v: %v, of all %v", q, merged.Quantile(q), all.Quantile(q))
		}
	}
}

func TestQuantilesAreWithinOnePercent(t *testing.T) {
	tally := NewTally()
	for i := 1; i <= 1000; i++ {
		tally.Succeeded(1, 1, int64(i)*int64(10*time.Microsecond))
	}
	for percent, want := range map[float64]time.Duration{50: 5 * time.Millisecond, 99: 9900 * time.Microsecond,
		99.9: 9990 * time.Microsecond, 100: 10 * time.Millisecond} {
		if got := tally.Quantile(percent); got < want*99/100 || got > want*101/100 {
			t.Errorf("%v %%: %v, not %v", percent, got, want)
		}
	}
}

func TestFailuresAreTold(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{fmt.Errorf("read: %w", os.ErrDeadlineExceeded), "timeout"},
		{&net.OpError{Op: "dial", Err: os.NewSyscallError("connect", syscall.ECONNREFUSED)}, "connection refused"},
		{&net.OpError{Op: "read", Err: os.NewSyscallError("read", syscall.ECONNRESET)}, "connection lost"},
		{fmt.Errorf("read: %w", io.ErrUnexpectedEOF), "connection lost"},
		{fmt.Errorf("%w: chunked", ErrAnswer), "unreadable answer"},
		{errors.New("no route"), "network error"},
	} {
		if got := failureName(c.err); got != c.want {
			t.Errorf("%v: %s", c.err, got)
		}
	}
}
