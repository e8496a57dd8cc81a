package actor

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"syscall"
	"testing"

	"flashq/broker"
	"flashq/segment/segmenttest"
)

// Why a segment can't be read stands in the log, once for each of them however often it is asked for.
func TestAnUnreadableSegmentIsLoggedOnce(t *testing.T) {
	var log bytes.Buffer
	fs := segmenttest.New()
	b := engine(t, fs, Config{SegmentBytes: 16 << 10, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	tp := makeTopic(t, b, "t", 1)
	for range 7 { // three to a segment
		mustPut(t, tp, 0, strings.Repeat("a", 5000))
	}
	fs.FailFrom(segmenttest.OpOpen, 1, syscall.EIO)
	for range 3 {
		for _, from := range []int64{0, 1, 3} {
			s, err := tp.Snapshot(context.Background(), 0)
			if err != nil {
				t.Fatal(err)
			}
			var unreadable *broker.UnreadableError
			if _, err := s.Read(nil, from, 1); !errors.As(err, &unreadable) {
				t.Errorf("read from %d: %v", from, err)
			}
			s.Close()
		}
	}
	lines := strings.Split(log.String(), "\n")
	said := ""
	for _, line := range lines {
		if strings.Contains(line, "can't be read") {
			said += line + "\n"
		}
	}
	if strings.Count(said, "\n") != 2 || strings.Count(said, syscall.EIO.Error()) != 2 ||
		!strings.Contains(said, "segment=0 ") || !strings.Contains(said, "segment=3 ") {
		t.Errorf("%s", said)
	}
}
