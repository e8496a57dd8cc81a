package http

import (
	"bufio"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"
)

// One address has as many connections as it may, used or not. One more is told so and closed, be it that its request
// comes late or never; others don't notice.
func TestOneMoreConnectionOfAnAddressIsRefused(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f, s, p := piped(t, Config{MaxConnectionsPerAddress: 2})
		const health = "GET /health HTTP/1.1\r\nHost: flashq\r\n\r\n"
		ask := func(c net.Conn) answer {
			if _, err := io.WriteString(c, health); err != nil {
				t.Fatal(err)
			}
			return readAnswer(t, bufio.NewReader(c))
		}
		silent, used := p.dial(t, "192.0.2.7"), p.dial(t, "192.0.2.7")
		ask(used).want(t, 200)
		for range 40 { // many more than are told at a time
			c := p.dial(t, "192.0.2.7")
			r := bufio.NewReader(c)
			a := readAnswer(t, r)
			if details := a.wantError(t, 429, "overloaded"); details["limit"] != 2.0 || a.header.Get("Retry-After") == "" || !a.closes {
				t.Errorf("%v %v", details, a)
			}
			if _, err := r.ReadByte(); err == nil {
				t.Error("it is open")
			}
		}
		late := p.send(t, "192.0.2.7", health)
		readAnswer(t, bufio.NewReader(late)).wantError(t, 429, "overloaded")
		other, here := p.dial(t, "192.0.2.8"), p.dial(t, "127.0.0.1")
		ask(other).want(t, 200)
		ask(here).want(t, 200)
		if all, most := s.bounds.shares.Open(); all != 4 || most != 2 {
			t.Errorf("%d are open, %d of one address", all, most)
		}
		time.Sleep(10 * time.Second) // until they are parked
		leave(silent)
		synctest.Wait()
		again := p.dial(t, "192.0.2.7")
		ask(again).want(t, 200)
		leave(used, other, here, again)
		synctest.Wait()
		if all, most := s.bounds.shares.Open(); all != 0 || most != 0 {
			t.Errorf("%d are open, %d of one address", all, most)
		}
		f.get("/health").want(t, 200)
	})
}

// Who opens more than are told at a time costs no goroutine for each.
func TestRefusalsAreBounded(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		_, _, p := piped(t, Config{MaxConnectionsPerAddress: 1})
		clients := []net.Conn{p.dial(t, "192.0.2.7")}
		closed := 0
		for range 100 {
			clients = append(clients, p.dial(t, "192.0.2.7"))
		}
		synctest.Wait() // no time passes: those who are told are waited for
		for _, c := range clients {
			if _, err := c.Write(nil); err != nil {
				closed++
			}
		}
		if told := len(clients) - 1 - closed; told < 1 || told > 16 {
			t.Errorf("%d are told at a time", told)
		}
		leave(clients...)
	})
}
