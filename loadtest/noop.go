package loadtest

import (
	"bytes"
	"fmt"
	"io"
	"net"

	"github.com/valyala/fasthttp"
)

// noopAnswer is what a produce answer looks like.
const noopAnswer = `{"offset":142,"timestamp":"2025-01-15T10:30:45.123Z","count":1,` +
	`"partitions":[{"partition":0,"base_offset":142,"last_offset":142}]}`

// NoopServer is the ceiling that FlashQ is judged by: a bare HTTP server that reads each body and answers a fixed
// JSON, or a GET with a fixed body of so many bytes. It prints its address as one line to out, and ends when in does.
func NoopServer(listen string, answerBytes int, in io.Reader, out io.Writer) error {
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return fmt.Errorf("noop: %w", err)
	}
	large := bytes.Repeat([]byte("x"), answerBytes)
	s := &fasthttp.Server{MaxRequestBodySize: 2 * maxBody, Handler: func(ctx *fasthttp.RequestCtx) {
		if ctx.IsGet() {
			ctx.SetContentType("application/json")
			ctx.Response.SetBodyRaw(large)
			return
		}
		answerNoop(ctx)
	}}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	if _, err := fmt.Fprintln(out, l.Addr()); err != nil {
		return fmt.Errorf("noop: %w", err)
	}
	go func() {
		_, _ = io.Copy(io.Discard, in) // whatever ends it, the parent is gone
		_ = s.Shutdown()
	}()
	if err := <-served; err != nil {
		return fmt.Errorf("noop: %w", err)
	}
	return nil
}

func answerNoop(ctx *fasthttp.RequestCtx) {
	if len(ctx.PostBody()) == 0 {
		ctx.Error("a body is missing", fasthttp.StatusBadRequest)
		return
	}
	ctx.SetContentType("application/json")
	ctx.SetBodyString(noopAnswer)
}
