package cli

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/dustin/go-humanize"
	"golang.org/x/term"

	"flashq/loadtest"
)

// plainEvery is how often a long measurement is told about where there is no terminal.
const plainEvery = 5 * time.Second

// screen shows how a load test goes: one line that changes on a terminal, plain lines elsewhere. Its methods may be
// called from any goroutine.
type screen struct {
	out   io.Writer
	width int // of the terminal; 0 where there is none

	mu   sync.Mutex
	next time.Time // of a plain line
	of   string    // the measurement that next is about
}

func newScreen(out io.Writer) *screen {
	s := &screen{out: out}
	if f, ok := out.(*os.File); ok && isTerminal(out) {
		s.width = 80
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 0 {
			s.width = w
		}
	}
	return s
}

const clearLine = "\r\x1b[K"

// line prints a line that stays.
func (s *screen) line(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.width > 0 {
		fmt.Fprint(s.out, clearLine)
	}
	fmt.Fprintln(s.out, text)
}

// live shows what goes on now.
func (s *screen) live(l loadtest.Live) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.width > 0 {
		fmt.Fprint(s.out, clearLine+clip(liveLine(l, s.width-1), s.width-1))
		return
	}
	now := time.Now()
	if of := fmt.Sprint(l.Round, l.Name); of != s.of {
		s.of, s.next = of, now.Add(plainEvery)
	}
	if now.Before(s.next) {
		return
	}
	s.next = now.Add(plainEvery)
	fmt.Fprintln(s.out, plainLine(l))
}

// clear takes the changing line away.
func (s *screen) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.width > 0 {
		fmt.Fprint(s.out, clearLine)
	}
}

func plainLine(l loadtest.Live) string {
	return fmt.Sprintf("round %d/%d  %-7s  %3.0f %%  %s", l.Round, l.Rounds, l.Name, 100*l.Done, figures(l))
}

// figures are what both kinds of lines say, in some 50 cells.
func figures(l loadtest.Live) string {
	eta := "-"
	if l.Left >= 0 {
		eta = l.Left.Round(time.Second).String()
	}
	return fmt.Sprintf("%s rec/s %s/s p99 %s errors %d 429s %d ETA %s", short(l.Records), humanize.Bytes(uint64(l.Bytes)),
		l.P99.Round(100*time.Microsecond), l.Errors, l.Refused, eta)
}

// short is a number in few cells.
func short(f float64) string {
	switch {
	case f >= 1e6:
		return fmt.Sprintf("%.1fM", f/1e6)
	case f >= 1e4:
		return fmt.Sprintf("%.0fk", f/1e3)
	}
	return humanize.Comma(int64(f))
}

// liveLine has a bar in front and a sparkline at the end, both as wide as there is room: some cells each of 80.
func liveLine(l loadtest.Live, width int) string {
	cells := min(max((width-72)/3, 5), 20)
	full := min(int(l.Done*float64(cells)+0.5), cells)
	name := l.Name
	if l.Rounds > 1 {
		name = fmt.Sprintf("%d/%d %s", l.Round, l.Rounds, name)
	}
	line := fmt.Sprintf("%s %s%s %.0f%% %s ", name, strings.Repeat("█", full), strings.Repeat("░", cells-full), 100*l.Done,
		figures(l))
	return line + sparkline(l.Rates, width-len([]rune(line)))
}

// sparkline draws the last rates, the highest of them as a full cell.
func sparkline(rates []float64, width int) string {
	const steps = "▁▂▃▄▅▆▇█"
	if width <= 0 || len(rates) == 0 {
		return ""
	}
	rates = rates[max(0, len(rates)-width):]
	most := 0.0
	for _, r := range rates {
		most = max(most, r)
	}
	var b strings.Builder
	for _, r := range rates {
		i := 0
		if most > 0 {
			i = int(r/most*7 + 0.5)
		}
		b.WriteRune([]rune(steps)[i])
	}
	return b.String()
}
