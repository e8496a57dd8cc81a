package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/dustin/go-humanize"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"
)

// output is how a command prints what the broker answered.
type output struct{ format *word }

func newOutput() output { return output{newWord("table", "json", "ndjson")} }

func (o output) define(c *cobra.Command) {
	c.Flags().VarP(o.format, "output", "o", "for people, the API's own JSON, or one line of JSON for each item")
}

// print writes an answer as it came, or each item of its member list on a line, or as show has it for people. An answer
// without a list is an item itself.
func (o output) print(w io.Writer, answer []byte, list string, show func() string) error {
	var err error
	switch o.format.value {
	case "json":
		_, err = fmt.Fprintf(w, "%s\n", bytes.TrimSpace(answer))
	case "ndjson":
		err = printItems(w, answer, list)
	default:
		_, err = fmt.Fprintln(w, show())
	}
	if err != nil {
		return fmt.Errorf("write the answer: %w", err)
	}
	return nil
}

func printItems(w io.Writer, answer []byte, list string) error {
	items := []json.RawMessage{bytes.TrimSpace(answer)}
	if list != "" {
		var err error
		if items, err = itemsOf(answer, list); err != nil {
			return err
		}
	}
	var lines bytes.Buffer
	for _, item := range items {
		lines.Write(item)
		lines.WriteByte('\n')
	}
	_, err := w.Write(lines.Bytes())
	return err
}

// itemsOf are the members of an answer's list, each as it came. An empty list may be left out.
func itemsOf(answer []byte, list string) (items []json.RawMessage, err error) {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(answer, &members); err != nil {
		return nil, err
	}
	if text, ok := members[list]; ok {
		if err := json.Unmarshal(text, &items); err != nil {
			return nil, fmt.Errorf("%s: %w", list, err)
		}
	}
	return items, nil
}

// tableOf renders rows under a head; numbers stand on the right.
func tableOf(head table.Row, rows []table.Row) string {
	t := table.NewWriter()
	t.SetStyle(table.StyleLight)
	t.Style().Format.Header = text.FormatDefault
	t.AppendHeader(head)
	t.AppendRows(rows)
	var columns []table.ColumnConfig
	for i := range head {
		if len(rows) > 0 && isNumber(rows[0][i]) {
			columns = append(columns, table.ColumnConfig{Number: i + 1, Align: text.AlignRight, AlignHeader: text.AlignRight})
		}
	}
	t.SetColumnConfigs(columns)
	return t.Render()
}

// number is a cell that is one.
type number string

func isNumber(cell any) bool { _, ok := cell.(number); return ok }

func count[T int | int64](n T) number { return number(humanize.Comma(int64(n))) }
func plain[T int | int64](n T) number { return number(strconv.FormatInt(int64(n), 10)) } // what may be typed again
func size(n int64) number             { return number(humanize.IBytes(uint64(max(n, 0)))) }
func orDash(n *int64) number {
	if n == nil {
		return "-"
	}
	return plain(*n)
}

// moment shows a time as the API writes it, so that it may be typed again.
func moment(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02T15:04:05.000Z")
}

// cell shows the bytes of a key or value on one line. What a terminal might obey, or what could be mistaken for
// something else, is quoted.
func cell(p []byte) string {
	const most = 60
	switch s := string(p); {
	case p == nil:
		return "null"
	case !utf8.Valid(p):
		return fmt.Sprintf("(%s, not text)", humanize.IBytes(uint64(len(p))))
	case s == "" || s == "null" || s == "-" || strings.TrimSpace(s) != s || strings.ContainsFunc(s, unprintable):
		return clip(strconv.Quote(s), most)
	default:
		return clip(s, most)
	}
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }

// clip cuts a text to so many runes.
func clip(s string, most int) string {
	if utf8.RuneCountInString(s) <= most {
		return s
	}
	return string([]rune(s)[:most-1]) + "…"
}
