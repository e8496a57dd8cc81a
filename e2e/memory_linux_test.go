//go:build !race

// What the race detector holds itself is many times the broker's memory.

package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"flashq/e2e/instance"
)

// resident is the memory that a broker has of the machine, in bytes.
func resident(t *testing.T, broker *instance.Instance) int {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", broker.PID))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	var kib int
	if _, err := fmt.Sscan(rest, &kib); err != nil {
		t.Fatal(err)
	}
	return kib << 10
}

func dial(t *testing.T, broker *instance.Instance) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", broker.Addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// healthy makes a request and takes its answer.
func healthy(t *testing.T, c net.Conn) {
	t.Helper()
	if _, err := io.WriteString(c, "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	a, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil || a.StatusCode != 200 {
		t.Fatal(a, err)
	}
	if _, err := io.Copy(io.Discard, a.Body); err != nil {
		t.Fatal(err)
	}
}

// settles waits until the broker has no more than so much beside what it had.
func settles(t *testing.T, broker *instance.Instance, before, most int) {
	t.Helper()
	now := 0
	for end := time.Now().Add(50 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if now = resident(t, broker) - before; now <= most {
			return
		}
	}
	t.Errorf("%d KiB more than before, allowed are %d", now>>10, most>>10)
}

// A connection that is open and idle holds 8 KiB at most, whether it has been used or not, and is good for a request.
func TestIdleConnectionsHoldLittle(t *testing.T) {
	const connections = 3000
	for name, used := range map[string]bool{"new": false, "used": true} {
		t.Run(name, func(t *testing.T) {
			broker := instance.Start(t)
			healthy(t, dial(t, broker))
			before := resident(t, broker)
			var open []net.Conn
			for range connections {
				c := dial(t, broker)
				if open = append(open, c); used {
					healthy(t, c)
				}
			}
			settles(t, broker, before, connections*8<<10)
			for i := 0; i < connections; i += 50 {
				healthy(t, open[i])
			}
			broker.Stop(t)
		})
	}
}

// What a hundred clients say of their bodies costs nothing until they send it.
func TestDeclaredBodiesHoldLittle(t *testing.T) {
	broker := instance.Start(t)
	broker.CreateTopic(t, "news", 1)
	healthy(t, dial(t, broker))
	before := resident(t, broker)
	var open []net.Conn
	for range 100 {
		c := dial(t, broker)
		if _, err := io.WriteString(c, "POST /topics/news/records HTTP/1.1\r\nHost: localhost\r\n"+
			"Content-Type: application/json\r\nContent-Length: 16000000\r\n\r\n{"); err != nil {
			t.Fatal(err)
		}
		open = append(open, c)
	}
	most, other := 0, dial(t, broker)
	for end := time.Now().Add(2 * time.Second); time.Now().Before(end); {
		most = max(most, resident(t, broker)-before)
		healthy(t, other)
	}
	if most > 30<<20 {
		t.Errorf("%d KiB more than before", most>>10)
	}
	for _, c := range open {
		c.Close()
	}
	broker.Stop(t)
}
