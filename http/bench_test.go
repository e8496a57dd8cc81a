package http

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"
	"github.com/valyala/fasthttp/fasthttputil"

	"flashq/actor"
)

// wire is one client connection that sends the same request again and again.
type wire struct {
	c net.Conn
	r *bufio.Reader
}

// benchServer serves handle, or FlashQ over memory where it is nil.
func benchServer(b *testing.B, handle fasthttp.RequestHandler) *wire {
	b.Helper()
	engine, err := actor.Open(actor.Config{MemoryBytes: 64 << 20, SegmentBytes: 4 << 20})
	if err != nil {
		b.Fatal(err)
	}
	s := New(Config{Broker: engine})
	if handle != nil {
		s.wire.Handler = handle
	}
	ln := fasthttputil.NewInmemoryListener()
	go func() { _ = s.Serve(ln) }()
	c, err := ln.Dial()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = c.Close()
		_ = s.Shutdown(b.Context())
		_ = engine.Close()
	})
	return &wire{c, bufio.NewReaderSize(c, 1<<20)}
}

// ask sends a request and reads its answer, which must be a 200.
func (w *wire) ask(b *testing.B, request []byte) (body int) {
	if _, err := w.c.Write(request); err != nil {
		b.Fatal(err)
	}
	length := 0
	for first := true; ; first = false {
		line, err := w.r.ReadSlice('\n')
		if err != nil {
			b.Fatal(err)
		}
		if first && !bytes.HasPrefix(line, []byte("HTTP/1.1 200")) {
			b.Fatal(string(line))
		}
		if rest, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			length, _ = strconv.Atoi(string(bytes.TrimSpace(rest)))
		}
		if len(line) == 2 {
			break
		}
	}
	if _, err := w.r.Discard(length); err != nil {
		b.Fatal(err)
	}
	return length
}

func produceRequest(records, size int) []byte {
	record := `{"key":"user123","value":"` + strings.Repeat("v", size) + `"}`
	body := `{"records":[` + strings.Repeat(record+",", records-1) + record + `]}`
	return []byte(post(fmt.Sprintf("Content-Length: %d\r\n", len(body))) + body)
}

// BenchmarkBare is the ceiling: the same wire, a handler that reads the body and answers a fixed JSON.
func BenchmarkBare(b *testing.B) {
	w := benchServer(b, func(ctx *fasthttp.RequestCtx) {
		_, _ = io.Copy(io.Discard, ctx.RequestBodyStream())
		ctx.SetContentType("application/json")
		ctx.SetBodyString(`{"offset":142,"timestamp":"2025-01-15T10:30:45.123Z","count":1,` +
			`"partitions":[{"partition":0,"base_offset":142,"last_offset":142}]}`)
	})
	request := produceRequest(1, 100)
	b.ReportAllocs()
	for b.Loop() {
		w.ask(b, request)
	}
}

func BenchmarkProduceOne(b *testing.B) {
	w := benchServer(b, nil)
	request := produceRequest(1, 100)
	b.ReportAllocs()
	for b.Loop() {
		w.ask(b, request)
	}
}

func BenchmarkProduce1000x1000(b *testing.B) {
	w := benchServer(b, nil)
	request := produceRequest(1000, 1000)
	b.SetBytes(1000 * 1000)
	b.ReportAllocs()
	for b.Loop() {
		w.ask(b, request)
	}
}

func BenchmarkFetch100(b *testing.B) {
	w := benchServer(b, nil)
	for range 10 {
		w.ask(b, produceRequest(100, 1000))
	}
	request := []byte("GET /topics/news/records?from_offset=100&max_records=100 HTTP/1.1\r\nHost: flashq\r\n\r\n")
	b.SetBytes(100 * 1000)
	b.ReportAllocs()
	for b.Loop() {
		w.ask(b, request)
	}
}

func BenchmarkFetchNothing(b *testing.B) {
	w := benchServer(b, nil)
	w.ask(b, produceRequest(1, 100))
	request := []byte("GET /topics/news/records?from_offset=latest HTTP/1.1\r\nHost: flashq\r\n\r\n")
	b.ReportAllocs()
	for b.Loop() {
		w.ask(b, request)
	}
}
