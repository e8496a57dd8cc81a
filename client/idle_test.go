package client_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	nethttp "net/http"
	"testing"
	"testing/synctest"
	"time"

	"flashq/client"
)

// The broker closes a connection that is idle for a minute; a client that used it at that moment would not know whether
// its request was carried out. So the client gives it up first, and not so early that each call would dial.
func TestAnIdleConnectionIsGivenUpBeforeTheBrokerWould(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		idleFor := make(chan time.Duration, 1)
		c, err := client.New(client.Config{Dial: func(context.Context, string, string) (net.Conn, error) {
			near, far := net.Pipe()
			go func() { idleFor <- answerOnce(far) }()
			return near, nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Health(t.Context()); err != nil {
			t.Fatal(err)
		}
		if idle := <-idleFor; idle < 10*time.Second || idle >= time.Minute {
			t.Errorf("closed after %s", idle)
		}
		c.Close()
	})
}

// answerOnce answers one request and tells how long the connection was open after that.
func answerOnce(conn net.Conn) time.Duration {
	defer conn.Close()
	if _, err := nethttp.ReadRequest(bufio.NewReader(conn)); err != nil {
		return -1
	}
	_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
	answered := time.Now()
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		return -1
	}
	return time.Since(answered)
}
