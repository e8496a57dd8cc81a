package http

import (
	"encoding/json"
	"strings"
	"testing"
)

// wantLine checks the next line; a record is written as the value alone.
func (l *live) wantLine(want string) {
	l.Helper()
	if got := strings.TrimPrefix(plainly("data: "+l.line()), "data: "); got != want {
		l.Fatalf("%q, want %q", got, want)
	}
}

// A reader of lines that retention overtakes hears what it missed, and goes on.
func TestLinesGoOnAfterAGap(t *testing.T) {
	f, _, dial := tcp(t)
	f.createTopic("news", `{"segment_bytes":1048576,"retention_bytes":2097152}`)
	l := openStream(t, dial(""), lines, "/topics/news/records?follow=true")
	record := `{"value":"` + strings.Repeat("x", 900_000) + `"}`
	const records = 60 // more than what the system keeps for a reader
	for range records {
		f.produce("/topics/news/records", record)
	}
	f.untilTrimmed("news")
	gaps := 0
	for next := int64(0); next < records; {
		var line struct {
			Offset *int64
			Gap    *struct{ Partition, From, To int64 }
		}
		text := l.line()
		switch err := json.Unmarshal([]byte(text), &line); {
		case text == "":
		case err != nil:
			t.Fatal(err)
		case line.Gap != nil && line.Gap.From == next && line.Gap.To > next:
			gaps, next = gaps+1, line.Gap.To
		case line.Offset != nil && *line.Offset == next:
			next++
		default:
			t.Fatalf("%.200s at %d", text, next)
		}
	}
	if gaps == 0 {
		t.Error("there was no gap: this test tests nothing")
	}
}
