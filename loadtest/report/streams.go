package report

import (
	"cmp"
	"fmt"

	"github.com/dustin/go-humanize"
)

// Streams is what subscribe found about the streams themselves. Memory is the server's, in bytes, zero where unknown.
type Streams struct {
	Streams int     `json:"streams"`
	Opened  float64 `json:"opened_seconds"`          // until all were answered
	Before  int64   `json:"memory_before,omitempty"` // they were opened
	Open    int64   `json:"memory_open,omitempty"`   // once they were
	After   int64   `json:"memory_after,omitempty"`  // at the end, while they are open
	Short   int     `json:"streams_at_fault"`        // that lost a record, or had one twice or out of order
}

// PerStream is what each open stream has cost the server's memory, in bytes.
func (s Streams) PerStream() int64 { return max(s.Open-s.Before, 0) / int64(max(s.Streams, 1)) }

// AtEnd is the same at the end of the load.
func (s Streams) AtEnd() int64 { return max(s.After-s.Before, 0) / int64(max(s.Streams, 1)) }

func (s Streams) String() string {
	memory := "server memory unknown"
	if s.Before > 0 && s.After > 0 {
		memory = fmt.Sprintf("server memory %s before, %s a stream open, %s at the end",
			humanize.IBytes(uint64(s.Before)), humanize.IBytes(uint64(s.PerStream())), humanize.IBytes(uint64(s.AtEnd())))
	}
	return fmt.Sprintf("%s opened in %.2f s, %s at fault; %s", humanize.Comma(int64(s.Streams)), s.Opened,
		humanize.Comma(int64(s.Short)), memory)
}

// worst is what to say of several rounds.
func (s Streams) worst(o *Streams) *Streams {
	other := *cmp.Or(o, &Streams{})
	if s.AtEnd() < other.AtEnd() {
		s, other = other, s
	}
	s.Opened, s.Short = max(s.Opened, other.Opened), max(s.Short, other.Short)
	return &s
}
