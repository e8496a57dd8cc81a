package e2e

import (
	"fmt"
	"io"
	"net"
	"strings"
	"syscall"
	"testing"

	"flashq/e2e/instance"
	"flashq/e2e/oracle"
)

// SIGTERM under load: what was accepted is answered, the exit code is 0, and a restart finds exactly what was answered.
func TestStopAnswersWhatWasAccepted(t *testing.T) {
	args := []string{"--storage=file", "--data-dir=" + t.TempDir()}
	l := oracle.NewLedger(loadTopic, partitions)
	position := ""
	for range 3 {
		broker := instance.Start(t, args...)
		if position == "" {
			broker.CreateTopic(t, loadTopic, partitions)
		}
		l.Load(t, broker, 200, func() { broker.Signal(t, syscall.SIGTERM) })
		if code := broker.Wait(t); code != 0 {
			t.Fatalf("exit code %d after SIGTERM", code)
		}
		broker = instance.Start(t, args...)
		position = l.CheckFrom(t, broker, position)
		l.CheckAnswered(t)
		broker.Stop(t)
	}
}

// SIGTERM ends waiting fetches at once, with answers, not after their minute.
func TestStopEndsLongPolls(t *testing.T) {
	const waiters = 8
	broker := instance.Start(t, fmt.Sprintf("--max-waiters=%d", waiters))
	broker.CreateTopic(t, "news", 1)
	statuses := make(chan string, waiters+1)
	for range waiters + 1 {
		go func() {
			a, err := broker.Call("GET", "/topics/news/records?timeout_ms=60000", "", nil)
			statuses <- fmt.Sprint(a.Status, err)
		}()
	}
	// One more than may wait: as soon as one is refused, all the others wait.
	if got := <-statuses; got != "429 <nil>" {
		t.Fatalf("one too many got %s", got)
	}
	broker.Stop(t)
	for range waiters {
		if got := <-statuses; got != "200 <nil>" {
			t.Errorf("a waiting fetch got %s", got)
		}
	}
}

// With --drain-wait the port stays open for a while after SIGTERM, and says why nothing is taken any more.
func TestDrainingIsSeen(t *testing.T) {
	broker := instance.Start(t, "--drain-wait=1m")
	broker.CreateTopic(t, "news", 1)
	broker.Signal(t, syscall.SIGTERM)
	for {
		a, err := broker.Call("GET", "/ready", "", nil)
		if err != nil {
			t.Fatal(err)
		}
		if a.Status == 503 && strings.Contains(string(a.Body), `"reason":"draining"`) {
			break
		}
	}
	a, err := broker.Call("PUT", "/topics/more", "", nil)
	if err != nil || a.Status != 503 {
		t.Errorf("a change: %v %v", a.Status, err)
	}
	if a, err = broker.Call("GET", "/topics/news/records", "", nil); err != nil || a.Status != 200 {
		t.Errorf("a read: %v %v", a.Status, err)
	}
	broker.Signal(t, syscall.SIGTERM) // a second one waits for nothing
	broker.Wait(t)
}

// A second SIGTERM doesn't wait for a client that never ends its request.
func TestSecondSignalEndsAtOnce(t *testing.T) {
	broker := instance.Start(t)
	conn, err := net.Dial("tcp", broker.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /topics/news/records HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n"+
		"Content-Length: 100\r\nExpect: 100-continue\r\n\r\n", broker.Addr)
	if _, err := io.ReadFull(conn, make([]byte, len("HTTP/1.1 100"))); err != nil {
		t.Fatalf("no 100 Continue: %v", err)
	}
	broker.Signal(t, syscall.SIGTERM)
	for open(broker.Addr) { // the first signal is being obeyed when the door is shut
	}
	broker.Signal(t, syscall.SIGTERM)
	if code := broker.Wait(t); code == 0 {
		t.Errorf("exit code 0 although a request was cut off")
	}
}

func open(addr string) bool {
	conn, err := net.Dial("tcp", addr)
	if err == nil {
		conn.Close()
	}
	return err == nil
}
