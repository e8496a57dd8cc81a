package main

import (
	"context"
	"fmt"
	"io"
	"net/http"

	"github.com/valyala/fasthttp"
)

// newHTTP keeps connections to a server, one for each caller.
func newHTTP(port int) *fasthttp.HostClient {
	return &fasthttp.HostClient{Addr: address(port), MaxConns: callers}
}

// poster sends one body again and again.
func poster(client *fasthttp.HostClient, url string, body []byte) call {
	return func(ctx context.Context) error {
		q, a := fasthttp.AcquireRequest(), fasthttp.AcquireResponse()
		defer fasthttp.ReleaseRequest(q)
		defer fasthttp.ReleaseResponse(a)
		q.SetRequestURI(url)
		q.Header.SetMethod(fasthttp.MethodPost)
		q.Header.SetContentType("application/json") // NSQ takes any
		q.SetBodyRaw(body)
		end, _ := ctx.Deadline()
		if err := client.DoDeadline(q, a, end); err != nil {
			return fmt.Errorf("%s: %w", url, err)
		}
		if a.StatusCode()/100 != 2 {
			return fmt.Errorf("%s: answered %d %s", url, a.StatusCode(), a.Body())
		}
		return nil
	}
}

// get gives what a URL answers, which has to be 200.
func get(ctx context.Context, url string) ([]byte, error) {
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	a, err := http.DefaultClient.Do(q)
	if err != nil {
		return nil, err
	}
	defer func() { _ = a.Body.Close() }()
	if a.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("answered %s", a.Status)
	}
	return io.ReadAll(a.Body)
}

// getOK asks a URL for 200.
func getOK(url string) func(context.Context) error {
	return func(ctx context.Context) error {
		_, err := get(ctx, url)
		return err
	}
}
