package loadtest

import (
	"context"
	"fmt"
	"net"
	"time"
)

const (
	// answerTimeout is how long an answer may take; the deadline is renewed only every renewAfter, so at least the
	// difference is granted.
	answerTimeout = 40 * time.Second
	renewAfter    = 10 * time.Second
	// failuresInARow end a client: a server that is gone is no load.
	failuresInARow = 10
)

// client is one keep-alive connection that sends the next request when the last one is answered. It belongs to one
// goroutine at a time; its connection is closed from outside when its context ends.
type client struct {
	address  string
	requests [][]byte
	next     int // of requests

	conn   net.Conn // nil while there is none
	unhook func() bool
	renew  time.Time // of conn's deadline
	in     reader
}

// run sends requests until p has no more, and counts into t.
func (c *client) run(ctx context.Context, p *phase, t *tally) error {
	failed := 0
	for begin := time.Now(); p.take(begin); {
		a, err := c.exchange(ctx, begin)
		end := time.Now()
		switch {
		case err == nil:
			failed = 0
			t.answered(a, end.Sub(begin))
		case ctx.Err() != nil:
			return ctx.Err()
		default:
			t.failed(err)
			c.close()
			if failed++; failed == failuresInARow {
				return fmt.Errorf("%d requests in a row failed: %w", failed, err)
			}
		}
		begin = end
	}
	return nil
}

// exchange sends one request and reads its answer, on a new connection where there is none.
func (c *client) exchange(ctx context.Context, now time.Time) (answer, error) {
	if err := c.connect(ctx); err != nil {
		return answer{}, err
	}
	if now.After(c.renew) {
		c.renew = now.Add(renewAfter)
		if err := c.conn.SetDeadline(now.Add(answerTimeout)); err != nil {
			return answer{}, fmt.Errorf("deadline: %w", err)
		}
	}
	c.next = (c.next + 1) % len(c.requests)
	_, writeErr := c.conn.Write(c.requests[c.next])
	a, err := c.in.read(c.conn) // a server may refuse a body with an answer before it has all of it
	if err != nil {
		return answer{}, first(writeErr, err)
	}
	if a.closes || writeErr != nil {
		c.close()
	}
	return a, nil
}

func (c *client) connect(ctx context.Context) error {
	if c.conn != nil {
		return nil
	}
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", c.address)
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	c.conn, c.renew = conn, time.Time{}
	c.unhook = context.AfterFunc(ctx, func() { _ = conn.Close() })
	return nil
}

func (c *client) close() {
	if c.conn == nil {
		return
	}
	c.unhook()
	_ = c.conn.Close() // nothing is buffered: there is nothing to lose
	c.conn = nil
}

// exchangeOnce sends one request on a connection of its own.
func exchangeOnce(ctx context.Context, address string, req []byte) (answer, error) {
	c := client{address: address, requests: [][]byte{req}}
	defer c.close()
	return c.exchange(ctx, time.Now())
}
