package http

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/klauspost/compress/zstd"
)

// streamsOpen is how many streams one producer feeds in the inner loop; FLASHQ_STREAMS says otherwise.
func streamsOpen(t *testing.T) int {
	if n := os.Getenv("FLASHQ_STREAMS"); n != "" {
		many, err := strconv.Atoi(n)
		if err != nil {
			t.Fatal(err)
		}
		return many
	}
	return 200
}

// Every reader of one producer gets all of it, in order, once.
func TestManyStreamsMissNothing(t *testing.T) {
	f, s, dial := tcp(t)
	f.createTopic("news", `{"partitions":2}`)
	const records = 400
	many := streamsOpen(t)
	var open, done sync.WaitGroup
	open.Add(many)
	for i := range many {
		accept := []string{sse, lines}[i%2]
		l := openStream(t, dial(""), accept, "/topics/news/records?from_offset=latest&follow=true&max_records=7")
		done.Go(func() {
			open.Done()
			next := [2]int64{}
			for next[0]+next[1] < records {
				text, err := l.body.ReadString('\n')
				if err != nil {
					t.Error(err)
					return
				}
				text = strings.TrimPrefix(text, "data: ")
				var got struct{ Partition, Offset int64 }
				if !strings.HasPrefix(text, "{") {
					continue
				}
				if json.Unmarshal([]byte(text), &got) != nil || got.Offset != next[got.Partition] {
					t.Errorf("stream %d: %s, want %d", i, text, next)
					return
				}
				next[got.Partition]++
			}
		})
	}
	open.Wait()
	for i := 0; i < records; i += 4 {
		f.numbered("news", i/4%2, i, i+4)
	}
	done.Wait()
	if n := s.bounds.streams.Used(); n != int64(many) {
		t.Errorf("%d streams are open, want %d", n, many)
	}
	eventually(t, "nothing is held any more", func() bool { return s.bounds.answers.Used() == 0 })
}

// One that finds no room for its answers waits for it, and then misses nothing.
func TestAStreamWaitsForRoom(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f, s, p := piped(t, Config{MaxInflightBytes: 4 << 20})
		f.createTopic("news", "")
		for i := range 30 {
			f.produce("/topics/news/records", fmt.Sprintf(`{"value":"%05d%s"}`, i, strings.Repeat("x", 20_000)))
		}
		get := "GET /topics/news/records?from_offset=0 HTTP/1.1\r\nHost: flashq\r\nAccept: " + sse + "\r\n\r\n"
		var stuck []net.Conn
		for range 60 {
			stuck = append(stuck, p.send(t, "127.0.0.1", get))
			synctest.Wait()
		}
		if used := s.bounds.answers.Used(); used < 2<<20 || used > 4<<20 {
			t.Errorf("%d bytes are held for those who take nothing", used)
		}
		l := openStream(t, p.dial(t, "127.0.0.1"), sse, "/topics/news/records?from_offset=0")
		l.wantEvent("retry: 2000|id: 0:0")
		begun := time.Now()
		for i := range 30 {
			if got := l.event(); !strings.Contains(got, fmt.Sprintf(`"value":"%05d`, i)) {
				t.Fatalf("%.80s, want %d", got, i)
			}
		}
		if took := time.Since(begun); took > 10*time.Second { // those who take nothing have to go
			t.Errorf("it took %v", took)
		}
		leave(append(stuck, l.Conn)...)
	})
}

// A compressed stream can be read to its last record at any time, and is whole at its end.
func TestCompressedStreams(t *testing.T) {
	f := start(t, Config{})
	f.createTopic("news", "")
	for coding, unpack := range map[string]func(r io.Reader) (io.Reader, error){
		"gzip": func(r io.Reader) (io.Reader, error) { return gzip.NewReader(r) },
		"zstd": func(r io.Reader) (io.Reader, error) { return zstd.NewReader(r, zstd.WithDecoderConcurrency(1)) },
	} {
		l := f.stream(lines, "/topics/news/records?follow=true&to_time=2026-01-15&from_offset=latest", "Accept-Encoding", coding)
		if got := l.Response.Header.Get("Content-Encoding"); got != coding {
			t.Fatalf("%q, want %s", got, coding)
		}
		f.produce("/topics/news/records", `{"value":"`+strings.Repeat("first", 30_000)+`","timestamp":"2026-01-13"}`)
		plain, err := unpack(l.body)
		if err != nil {
			t.Fatal(err)
		}
		for _, value := range []string{"first", "second", "third"} {
			var got struct{ Value string }
			var line []byte
			for one := make([]byte, 1); !bytes.HasSuffix(line, []byte("\n")); line = append(line, one...) {
				if _, err := io.ReadFull(plain, one); err != nil {
					t.Fatal(err)
				}
			}
			if json.Unmarshal(line, &got) != nil || !strings.HasPrefix(got.Value, value) {
				t.Fatalf("%s: %.80s, want %s", coding, line, value)
			}
			switch value {
			case "first":
				f.produce("/topics/news/records", `{"value":"second","timestamp":"2026-01-13"}`)
			case "second":
				f.produce("/topics/news/records", `{"value":"third","timestamp":"2026-01-13"}`, `{"value":"x","timestamp":"2026-01-16"}`)
			}
		}
		if rest, err := io.ReadAll(plain); err != nil || string(rest) != `{"end":{"position":"0:3"}}`+"\n" {
			t.Errorf("%s ends with %q %v", coding, rest, err)
		}
		f.do("DELETE", "/topics/news", "").want(t, 204)
		f.createTopic("news", "")
	}
	l := f.stream(sse, "/topics/news/records", "Accept-Encoding", "gzip")
	if got := l.Response.Header.Get("Content-Encoding"); got != "" {
		t.Errorf("events are in %s", got)
	}
}
