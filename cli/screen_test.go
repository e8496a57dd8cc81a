package cli

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"flashq/loadtest"
)

func TestLiveLineFitsAndSaysAll(t *testing.T) {
	l := loadtest.Live{Name: "produce", Round: 2, Rounds: 5, Done: 0.5, Records: 104_177, Bytes: 10.4e6,
		P99: 1590 * time.Microsecond, Errors: 3, Refused: 7, Left: 12 * time.Second, Rates: []float64{1, 50, 100}}
	for _, width := range []int{80, 120, 200} {
		line := liveLine(l, width)
		if n := utf8.RuneCountInString(line); n > width {
			t.Errorf("%d cells of %d: %s", n, width, line)
		}
		for _, want := range []string{"2/5 produce", "██", "░░", "50%", "104k rec/s", "10 MB/s", "p99 1.6ms", "errors 3", "429s 7",
			"ETA 12s", "▁▅█"} {
			if !strings.Contains(line, want) {
				t.Errorf("width %d: no %q in %s", width, want, line)
			}
		}
	}
	if got := sparkline([]float64{9, 0, 4, 8}, 3); got != "▁▅█" {
		t.Errorf("the last three: %s", got)
	}
	if got := sparkline([]float64{0, 0}, 9); got != "▁▁" {
		t.Errorf("nothing yet: %s", got)
	}
}

func TestNoTerminalNoControlCharacters(t *testing.T) {
	var out strings.Builder
	s := newScreen(&out)
	s.live(loadtest.Live{Name: "produce", Round: 1, Rounds: 1})
	s.next = time.Now() // five seconds have gone by
	s.live(loadtest.Live{Name: "produce", Round: 1, Rounds: 1, Done: 0.5, Left: time.Second})
	s.line("done")
	s.clear()
	if got := out.String(); strings.Count(got, "\n") != 2 || strings.ContainsAny(got, "\r\x1b") || !strings.Contains(got, "50 %") {
		t.Errorf("%q", got)
	}
}
