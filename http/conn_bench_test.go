package http

import (
	"io"
	"net"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"flashq/actor"
)

// endless is a connection without a kernel: each read is one more request, writes are dropped.
type endless struct {
	b       *testing.B
	request []byte
	left    int
}

func (e *endless) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	e.left--
	return copy(p, e.request), nil
}

func (e *endless) Write(p []byte) (int, error) {
	if len(p) < 12 || string(p[9:12]) != "200" {
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
	_ = s.ServeConn(newPatientConn(e, new(seconds)))
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
	engine, err := actor.Open(actor.Config{MemoryBytes: 64 << 20, SegmentBytes: 4 << 20})
	if err != nil {
		b.Fatal(err)
	}
	s := New(Config{Broker: engine})
	benchConn(b, s.wire, produceRequest(1, 100))
	b.StopTimer()
	_ = engine.Close()
}
