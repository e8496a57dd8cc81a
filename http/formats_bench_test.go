package http

import (
	"bufio"
	"bytes"
	"net"
	"testing"

	"github.com/valyala/fasthttp"

	"flashq/actor"
	"flashq/segment/batch"
)

// benchAnswers measures a GET over the loopback interface: of handle, or of a topic news with batches of 16 KiB where it
// is nil.
func benchAnswers(b *testing.B, engine actor.Config, handle fasthttp.RequestHandler, query, accept string) {
	b.Helper()
	broker, err := actor.Open(engine)
	if err != nil {
		b.Fatal(err)
	}
	s := New(Config{Broker: broker})
	if handle != nil {
		s.wire.Handler = handle
	} else {
		fill(b, s, 200, 16<<10)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	go func() { _ = s.Serve(ln) }()
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = c.Close()
		_ = s.Shutdown(b.Context())
		_ = broker.Close()
	})
	w := &wire{c, bufio.NewReaderSize(c, 256<<10)}
	request := []byte("GET /topics/news/records?" + query + " HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: " + accept + "\r\n\r\n")
	b.SetBytes(int64(w.ask(b, request)))
	b.ReportAllocs()
	for b.Loop() {
		w.ask(b, request)
	}
}

// fill stores so many batches of about a size in the topic news.
func fill(b *testing.B, s *Server, count, size int) {
	b.Helper()
	for i := range count {
		var build batch.Builder
		for len(build.Buf) < size {
			build.Add(int64(1000+i), []byte("user123"), bytes.Repeat([]byte("v"), 100))
		}
		storeIn(b, s.cfg.Broker, build.Finish())
	}
}

const bigFetch = "from_offset=1000&max_records=10000&max_bytes=1048576"

// BenchmarkAnswerFixed is the ceiling of those that follow: a body that is there already.
func BenchmarkAnswerFixed(b *testing.B) {
	body := make([]byte, 1<<20)
	benchAnswers(b, actor.Config{}, func(ctx *fasthttp.RequestCtx) {
		ctx.SetContentType("application/vnd.kafka.recordbatch.v2")
		ctx.Response.SetBodyRaw(body)
	}, bigFetch, "*/*")
}

func BenchmarkAnswerBatchesMemory(b *testing.B) {
	benchAnswers(b, actor.Config{}, nil, bigFetch, "application/vnd.kafka.recordbatch.v2")
}

func BenchmarkAnswerBatchesFile(b *testing.B) {
	benchAnswers(b, actor.Config{Dir: b.TempDir()}, nil, bigFetch, "application/vnd.kafka.recordbatch.v2")
}

func BenchmarkAnswerJSON(b *testing.B) {
	benchAnswers(b, actor.Config{}, nil, bigFetch, "application/json")
}

func BenchmarkAnswerNDJSON(b *testing.B) {
	benchAnswers(b, actor.Config{}, nil, bigFetch, "application/x-ndjson")
}
