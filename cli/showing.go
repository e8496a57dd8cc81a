package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"flashq/client"
)

// showing is how records are written out, page after page.
type showing struct {
	output

	template string // of -f
	headers  bool   // in a table and in JSON

	// set by begin
	topic    string
	format   recordFormat
	terminal bool

	headed bool // the table's head is written
}

func newShowing() showing {
	return showing{output: output{newWord("table", "json", "ndjson", "raw")}}
}

func (s *showing) define(c *cobra.Command) {
	fs := c.Flags()
	fs.StringVarP(&s.template, "format", "f", "", "write each record like this: "+formatForms)
	fs.BoolVar(&s.headers, "include-headers", true, "show the records' headers")
	fs.VarP(s.output.format, "output", "o", "for each record a line, in pages of JSON, a line of JSON, or the value")
}

// begin makes ready for the records of a topic.
func (s *showing) begin(cmd *cobra.Command, topic string) (err error) {
	fs := cmd.Flags()
	switch {
	case fs.Changed("format") && fs.Changed("output"):
		return errors.New("--format and --output are both given; allowed: one of them")
	case fs.Changed("format") && s.template == "":
		return errors.New(`--format ""; allowed: text with ` + formatForms)
	}
	s.topic, s.terminal = topic, isTerminal(cmd.OutOrStdout())
	s.format, err = parseFormat(s.template)
	return err
}

// omitsHeaders tells that nobody looks at them.
func (s *showing) omitsHeaders() bool {
	return !s.headers || s.format == nil && s.output.format.value == "raw" || s.format != nil && !s.format.has('h')
}

// recordPage is what a page of records comes to.
type recordPage struct {
	records []client.Record
	lines   []json.RawMessage // of the same, where asked for by needsLines
	page    []byte            // all of it, as JSON
}

// needsLines tells that each record is written as the JSON that it came as.
func (s *showing) needsLines() bool { return s.format == nil && s.output.format.value == "ndjson" }

// needsPages tells that what is written is JSON of a page as a whole.
func (s *showing) needsPages() bool { return s.format == nil && s.output.format.value == "json" }

// write writes a page out in one go.
func (s *showing) write(w io.Writer, p recordPage) error {
	_, err := w.Write(s.text(p))
	return err
}

func (s *showing) text(p recordPage) (text []byte) {
	show := func(to, p []byte) []byte { return append(to, p...) }
	if s.terminal {
		show = appendSafe
	}
	switch {
	case s.format != nil:
		for i := range p.records {
			text = s.format.append(text, s.topic, &p.records[i], show)
		}
		return text
	case s.output.format.value == "raw":
		for _, r := range p.records {
			text = append(show(text, r.Value), '\n')
		}
		return text
	case s.output.format.value == "table":
		return []byte(s.rows(p.records))
	case s.output.format.value == "json":
		text = append(text, p.page...)
		text = append(text, '\n')
	default:
		for _, line := range p.lines {
			text = append(append(text, line...), '\n')
		}
	}
	if s.terminal {
		text = safeJSON(text)
	}
	return text
}

// rows are records as lines of one long table, whose columns can't wait for what comes.
func (s *showing) rows(records []client.Record) string {
	const format = "%9v %9v  %-24s  %-16s  %s"
	var b strings.Builder
	line := func(partition, offset any, time, key, value, headers string) {
		text := fmt.Sprintf(format, partition, offset, time, key, value)
		if s.headers && headers != "" {
			text += "  " + headers
		}
		b.WriteString(strings.TrimRight(text, " ") + "\n")
	}
	if !s.headed {
		line("partition", "offset", "time", "key", "value", "headers")
		s.headed = true
	}
	for _, r := range records {
		line(r.Partition, r.Offset, moment(r.Timestamp), cell(r.Key), cell(r.Value), headersCell(r.Headers))
	}
	return b.String()
}
