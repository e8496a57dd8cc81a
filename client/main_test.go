package client_test

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"flashq/actor"
	"flashq/client"
	"flashq/http"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		// fasthttp keeps one clock goroutine for the whole process, and a server's janitor sees its end up to 10 s late.
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.updateServerDate.func1"),
		goleak.IgnoreAnyFunction("github.com/valyala/fasthttp.(*workerPool).Start.func2"),
		// So does who looks after the peers of waits: within a second.
		goleak.IgnoreAnyFunction("flashq/http/conn.(*Peers).look"))
}

// fixture is a client of a real server over a real engine.
type fixture struct {
	*testing.T
	*client.Client
	server   *http.Server
	url      string
	accepted *atomic.Int32 // connections, the one of the first Ready included
}

func start(t *testing.T, c http.Config) *fixture {
	t.Helper()
	return startOn(t, actor.Config{}, c)
}

func startOn(t *testing.T, storage actor.Config, c http.Config) *fixture {
	t.Helper()
	engine, err := actor.Open(storage)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c.Broker, c.Version = engine, "1.2.3"
	f := &fixture{T: t, server: http.New(c), url: "http://" + ln.Addr().String(), accepted: new(atomic.Int32)}
	f.Client = connect(t, client.Config{Server: f.url})
	served := make(chan error, 1)
	go func() { served <- f.server.Serve(countingListener{ln, f.accepted}) }()
	t.Cleanup(func() {
		f.Close()
		err := errors.Join(f.server.Shutdown(context.Background()), <-served, engine.Close())
		if err != nil {
			t.Error(err)
		}
	})
	if err := f.Ready(t.Context()); err != nil { // serving has begun, so that Shutdown can end it
		t.Fatal(err)
	}
	return f
}

func connect(t *testing.T, c client.Config) *client.Client {
	t.Helper()
	made, err := client.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(made.Close)
	return made
}

type countingListener struct {
	net.Listener
	accepted *atomic.Int32
}

func (l countingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		l.accepted.Add(1)
	}
	return c, err
}

// mute is a client that must not send anything.
func mute(t *testing.T) *client.Client {
	return connect(t, client.Config{Dial: func(context.Context, string, string) (net.Conn, error) {
		t.Error("something was sent")
		return nil, net.ErrClosed
	}})
}

// topic makes a topic.
func (f *fixture) topic(name string, partitions int) {
	f.Helper()
	made, err := f.CreateTopic(f.Context(), name, client.TopicConfig{Partitions: &partitions})
	if err != nil || !made.Created {
		f.Fatalf("create %s: %+v, %v", name, made, err)
	}
}

// put stores records, and fails the test when they are refused.
func (f *fixture) put(topic string, records ...client.ProducerRecord) *client.Produced {
	f.Helper()
	p, err := f.Produce(f.Context(), topic, records, client.ProduceOptions{})
	if err != nil {
		f.Fatal(err)
	}
	return p
}

// get reads a page, and fails the test when it is refused.
func (f *fixture) get(topic string, o client.FetchOptions) *client.Fetched {
	f.Helper()
	page, err := f.Fetch(f.Context(), topic, o)
	if err != nil {
		f.Fatal(err)
	}
	return page
}

// refused demands an *Error of this status and code.
func refused(t *testing.T, err error, status int, code string) *client.Error {
	t.Helper()
	var e *client.Error
	if !errors.As(err, &e) {
		t.Fatalf("want %d %s: %v", status, code, err)
	}
	if e.Status != status || e.Code != code || e.Message == "" || e.Details == nil || e.RequestID == "" {
		t.Fatalf("want %d %s: %+v", status, code, *e)
	}
	if errors.Is(err, client.ErrUnreachable) {
		t.Errorf("a refusal is no absence: %v", err)
	}
	return e
}
