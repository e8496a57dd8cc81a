package client_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net"
	"time"

	"flashq/actor"
	"flashq/client"
	"flashq/http"
)

// withBroker runs a broker for the time of an example, and hands over a client of it. In a program of yours, the broker
// runs already, and client.New is all there is.
func withBroker(example func(ctx context.Context, c *client.Client)) {
	engine, err := actor.Open(actor.Config{})
	if err != nil {
		log.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		log.Fatal(err)
	}
	server := http.New(http.Config{Broker: engine})
	served := make(chan error, 1)
	go func() { served <- server.Serve(ln) }()

	c, err := client.New(client.Config{Server: "http://" + ln.Addr().String()})
	if err != nil {
		log.Fatal(err)
	}
	ctx := context.Background()
	if err := c.Ready(ctx); err != nil { // it serves, so that Shutdown can end it
		log.Fatal(err)
	}
	example(ctx, c)
	c.Close()
	if err := errors.Join(server.Shutdown(ctx), <-served, engine.Close()); err != nil {
		log.Fatal(err)
	}
}

// Records with one key stay in one partition, in the order in which they came.
func ExampleClient_Produce() {
	withBroker(func(ctx context.Context, c *client.Client) {
		done, err := c.Produce(ctx, "orders", []client.ProducerRecord{
			{Key: []byte("anna"), Value: []byte(`{"item":"tea"}`)},
			{Key: []byte("anna"), Value: []byte(`{"item":"cup"}`), Headers: []client.Header{{Key: "source", Value: []byte("web")}}},
		}, client.ProduceOptions{})
		if err != nil {
			log.Print(err)
			return
		}
		for _, p := range done.Partitions {
			fmt.Printf("partition %d: offsets %d to %d\n", p.Partition, p.BaseOffset, p.LastOffset)
		}
	})
	// Output:
	// partition 0: offsets 0 to 1
}

// A member of a group fetches in a loop. Each fetch acknowledges what the one before delivered, so that whatever
// happens, every record is worked on at least once. Start the same loop elsewhere under another member's name, and the
// two share the topic's partitions.
func ExampleClient_Fetch() {
	withBroker(func(ctx context.Context, c *client.Client) {
		if _, err := c.Produce(ctx, "jobs", []client.ProducerRecord{
			{Value: []byte("mow")}, {Value: []byte("rake")}, {Value: []byte("sweep")},
		}, client.ProduceOptions{}); err != nil {
			log.Print(err)
			return
		}

		o := client.FetchOptions{Group: "crew", Member: "ann", MaxRecords: 2, Wait: 10 * time.Millisecond}
		for {
			page, err := c.Fetch(ctx, "jobs", o)
			var e *client.Error
			if errors.As(err, &e) && e.Code == "fenced" {
				o.Ack = "" // others read on from what was acknowledged before; join again
				continue
			}
			if err != nil {
				log.Print(err)
				return
			}
			for _, r := range page.Records {
				fmt.Printf("offset %d: %s\n", r.Offset, r.Value)
			}
			o.Ack = page.Position
			if len(page.Records) == 0 { // a program that never ends would just go on
				break
			}
		}
		if err := c.LeaveGroup(ctx, "crew", "ann"); err != nil {
			log.Print(err)
			return
		}

		g, err := c.Group(ctx, "crew")
		if err != nil {
			log.Print(err)
			return
		}
		fmt.Printf("%d records left\n", g.Lag)
	})
	// Output:
	// offset 0: mow
	// offset 1: rake
	// offset 2: sweep
	// 0 records left
}

// Where a time is: in each partition, the first record that is not older.
func ExampleClient_TopicOffsets() {
	withBroker(func(ctx context.Context, c *client.Client) {
		var hours []client.ProducerRecord
		for hour := range 4 {
			at := time.Date(2026, 1, 15, 6+hour, 0, 0, 0, time.UTC)
			hours = append(hours, client.ProducerRecord{Value: []byte(at.Format("15:04")), Timestamp: at})
		}
		if _, err := c.Produce(ctx, "weather", hours, client.ProduceOptions{}); err != nil {
			log.Print(err)
			return
		}

		found, err := c.TopicOffsets(ctx, "weather", "2026-01-15T07:30:00Z")
		if err != nil {
			log.Print(err)
			return
		}
		page, err := c.Fetch(ctx, "weather", client.FetchOptions{
			Position: found.Position, ToTime: "2026-01-15T09:00:00Z", // before nine
		})
		if err != nil {
			log.Print(err)
			return
		}
		for _, r := range page.Records {
			fmt.Printf("offset %d: %s\n", r.Offset, r.Value)
		}
	})
	// Output:
	// offset 2: 08:00
}

// A group is sent back to a time; a dry run shows beforehand what that would do.
func ExampleClient_Commit() {
	withBroker(func(ctx context.Context, c *client.Client) {
		morning := time.Date(2026, 1, 15, 6, 0, 0, 0, time.UTC)
		if _, err := c.Produce(ctx, "news", []client.ProducerRecord{
			{Value: []byte("fog"), Timestamp: morning}, {Value: []byte("sun"), Timestamp: morning.Add(6 * time.Hour)},
		}, client.ProduceOptions{}); err != nil {
			log.Print(err)
			return
		}

		all := []client.CommitItem{{Topic: "news", At: "latest"}}
		if _, err := c.Commit(ctx, "readers", all, client.CommitOptions{}); err != nil {
			log.Print(err)
			return
		}
		back := []client.CommitItem{{Topic: "news", At: "2026-01-15T10:00:00Z"}}
		for _, dryRun := range []bool{true, false} {
			done, err := c.Commit(ctx, "readers", back, client.CommitOptions{DryRun: dryRun})
			if err != nil {
				log.Print(err)
				return
			}
			o := done.Offsets[0]
			fmt.Printf("dry run %t: from %d to %d\n", dryRun, *o.PreviousOffset, o.CommittedOffset)
		}

		page, err := c.Fetch(ctx, "news", client.FetchOptions{Group: "readers"})
		if err != nil {
			log.Print(err)
			return
		}
		fmt.Printf("next: %s\n", page.Records[0].Value)
	})
	// Output:
	// dry run true: from 2 to 1
	// dry run false: from 2 to 1
	// next: sun
}
