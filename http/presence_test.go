package http

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/valyala/fasthttp"

	"flashq/actor"
	"flashq/broker"
)

// counted is an engine that counts what is asked of its topics' partitions. The 25th question waits until meanwhile
// returns.
type counted struct {
	broker.Broker

	asked     atomic.Int64
	meanwhile func()
}

type countedTopic struct {
	broker.Topic
	of *counted
}

func (b *counted) Topic(ctx context.Context, name string) (broker.Topic, error) {
	t, err := b.Broker.Topic(ctx, name)
	return &countedTopic{t, b}, err
}

func (b *counted) Topics(ctx context.Context) ([]broker.Topic, error) {
	all, err := b.Broker.Topics(ctx)
	for i := range all {
		all[i] = &countedTopic{all[i], b}
	}
	return all, err
}

func (b *counted) count() {
	if b.asked.Add(1) == 25 {
		b.meanwhile()
	}
}

func (t *countedTopic) Stats(ctx context.Context, partition int) (broker.PartitionStats, error) {
	t.of.count()
	return t.Topic.Stats(ctx, partition)
}

// Whoever has left isn't worked for: the lists of groups, offsets and topics end with their client.
func TestNoListIsMadeForWhoHasLeft(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // which can't tell
	}
	engine, err := actor.Open(actor.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = engine.Close() })
	f := serve(t, Config{Broker: engine})
	const topics, partitions = 40, 8
	var commits []string
	for i := range topics {
		f.createTopic(fmt.Sprint("t", i), fmt.Sprintf(`{"partitions":%d}`, partitions))
		commits = append(commits, fmt.Sprintf(`{"topic":"t%d","at":"latest"}`, i))
	}
	f.post("/groups/g/offsets", `{"offsets":[`+strings.Join(commits, ",")+`]}`).want(t, 200)
	for _, path := range []string{"/groups", "/groups/g", "/groups/g/offsets", "/topics?detail=true"} {
		for _, stays := range []bool{true, false} {
			b := &counted{Broker: engine}
			asked := askAndLeave(t, b, path, stays)
			if stays && asked != topics*partitions || !stays && asked > 25+2*16 {
				t.Errorf("%s, the client stays: %v: %d of %d partitions were looked at", path, stays, asked, topics*partitions)
			}
		}
	}
}

// askAndLeave asks for path, and leaves while the answer is worked out. It tells how many partitions were looked at.
func askAndLeave(t *testing.T, b *counted, path string, stays bool) (asked int64) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := New(Config{Broker: b})
	served := make(chan error, 1)
	go func() { served <- s.Serve(ln) }()
	c, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	b.meanwhile = func() {
		if !stays {
			c.Close()
		}
		<-time.After(100 * time.Millisecond) // until it is looked at again
	}
	if _, err := fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n", path); err != nil {
		t.Fatal(err)
	}
	if stays {
		_, _ = c.Read(make([]byte, 1))
		c.Close()
	}
	eventually(t, "the request was begun", func() bool { return b.asked.Load() >= 25 })
	eventually(t, "the request ends", func() bool { return s.wire.GetOpenConnectionsCount() == 0 })
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	return b.asked.Load()
}

// row counts how often it is written.
type row struct{ written *int }

func (r row) MarshalJSON() ([]byte, error) {
	*r.written++
	return json.Marshal(*r.written)
}

// An answer isn't written to its end for who has left.
func TestNoAnswerIsWrittenForWhoHasLeft(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // which can't tell
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	client, err := net.Dial("tcp", ln.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	f := start(t, Config{})
	ctx := new(fasthttp.RequestCtx)
	ctx.Init2(conn, nil, false)
	written := 0
	list := func(yield func(any) bool) {
		for i := range 1000 {
			if i == 20 {
				client.Close()
				<-time.After(100 * time.Millisecond) // until it is looked at again
			}
			if !yield(row{&written}) {
				return
			}
		}
	}
	answer := f.s.newAnswerText(ctx)
	err = answer.list(list)
	answer.drop()
	if err == nil || written > 20+2*16 {
		t.Errorf("%d rows are written, %v", written, err)
	}
}
