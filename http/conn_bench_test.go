package http

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"flashq/actor"
	"flashq/http/conn"
)

// endless is a connection without a kernel: the same request comes again and again, writes are dropped.
type endless struct {
	b       *testing.B
	request []byte
	at      int // of the request, how far it was read
	left    int
	next    func() // may change the request before it comes again
}

func (e *endless) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n := copy(p, e.request[e.at:])
	if e.at += n; e.at == len(e.request) {
		e.at = 0
		e.left--
		if e.next != nil {
			e.next()
		}
	}
	return n, nil
}

func (e *endless) Write(p []byte) (int, error) {
	if bytes.HasPrefix(p, []byte("HTTP/1.1 ")) && !bytes.HasPrefix(p[9:], []byte("200")) {
		e.b.Errorf("%s", p)
	}
	return len(p), nil
}

func (*endless) Close() error                     { return nil }
func (*endless) LocalAddr() net.Addr              { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 1} }
func (*endless) RemoteAddr() net.Addr             { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 2} }
func (*endless) SetDeadline(time.Time) error      { return nil }
func (*endless) SetReadDeadline(time.Time) error  { return nil }
func (*endless) SetWriteDeadline(time.Time) error { return nil }

// benchConn measures what a request costs beside the kernel.
func benchConn(b *testing.B, s *fasthttp.Server, request []byte) {
	b.ReportAllocs()
	e := &endless{b: b, request: request, left: b.N}
	b.ResetTimer()
	_ = s.ServeConn(conn.Patient(e))
}

func BenchmarkConnBare(b *testing.B) {
	benchConn(b, &fasthttp.Server{Handler: func(ctx *fasthttp.RequestCtx) {
		if len(ctx.PostBody()) == 0 {
			b.Error("empty")
		}
		ctx.SetContentType("application/json")
		ctx.SetBodyString(`{"offset":142,"timestamp":"2025-01-15T10:30:45.123Z","count":1,` +
			`"partitions":[{"partition":0,"base_offset":142,"last_offset":142}]}`)
	}}, produceRequest(1, 100))
}

func BenchmarkConnProduce(b *testing.B) {
	s := benchEngine(b)
	benchConn(b, s.wire, produceRequest(1, 100))
}

// The same record as it is.
func BenchmarkConnProduceRaw(b *testing.B) {
	s := benchEngine(b)
	benchConn(b, s.wire, []byte(strings.Replace(post("Content-Length: 100\r\n"), "application/json", "text/plain", 1)+
		strings.Repeat("v", 100)))
}

// The same record with a key for the request, a new one each time.
func BenchmarkConnProduceKeyed(b *testing.B) {
	s := benchEngine(b)
	const none = "00000000"
	request := bytes.Replace(produceRequest(1, 100), []byte("Content-Type"), []byte("Idempotency-Key: "+none+"\r\nContent-Type"), 1)
	last := bytes.Index(request, []byte(none)) + len(none) - 1
	e := &endless{b: b, left: b.N, request: request}
	e.next = func() {
		for i := last; ; i-- {
			if e.request[i]++; e.request[i] <= '9' {
				return
			}
			e.request[i] = '0'
		}
	}
	b.ReportAllocs()
	b.ResetTimer()
	_ = s.wire.ServeConn(conn.Patient(e))
}

// A body of one batch of 16 KiB, beside a handler that only reads it.
func BenchmarkConnBatches(b *testing.B) {
	for _, records := range []int{1, 100} {
		name := fmt.Sprint(records)
		body := batchOf(strings.Repeat("v", 16<<10/records-10), records)
		head := strings.NewReplacer("application/json", "application/vnd.kafka.recordbatch.v2", "/records ",
			"/records?partition=0 ").Replace(post(fmt.Sprintf("Content-Length: %d\r\n", len(body))))
		request := append([]byte(head), body...)
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			benchConn(b, benchEngine(b).wire, request)
		})
		b.Run(name+"/bare", func(b *testing.B) {
			b.SetBytes(int64(len(body)))
			benchConn(b, &fasthttp.Server{Handler: func(ctx *fasthttp.RequestCtx) {
				if len(ctx.PostBody()) == 0 {
					b.Error("empty")
				}
				ctx.SetContentType("application/json")
				ctx.SetBodyString(`{"offset":142,"timestamp":"2025-01-15T10:30:45.123Z","count":1,` +
					`"partitions":[{"partition":0,"base_offset":142,"last_offset":142}]}`)
			}}, request)
		})
	}
}

func BenchmarkConnFetch1000x1000(b *testing.B) {
	s := benchEngine(b)
	for range 5 {
		e := &endless{b: b, request: produceRequest(1000, 1000), left: 1}
		_ = s.wire.ServeConn(conn.Patient(e))
	}
	b.SetBytes(1000 * 1000)
	benchConn(b, s.wire, []byte("GET /topics/news/records?from_offset=1000&max_records=1000&max_bytes=4194304 HTTP/1.1\r\n"+
		"Host: flashq\r\n\r\n"))
}

// benchEngine is a server over memory that serves no listener.
func benchEngine(b *testing.B) *Server {
	b.Helper()
	engine, err := actor.Open(actor.Config{MemoryBytes: 64 << 20, SegmentBytes: 4 << 20})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = engine.Close() })
	return New(Config{Broker: engine})
}
