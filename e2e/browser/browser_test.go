package browser

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"testing"
	"time"

	"flashq/e2e/instance"
)

// patience is how long a browser may take for anything at all: a machine with other work starts one in half a minute.
const patience = 3 * time.Minute

// page is a browser that reads a stream.
type page struct {
	testing.TB
	said   chan string
	opened int
	cut    int
	next   int64 // the offset after the last record
}

// watch opens one. It is closed with the test.
func watch(t *testing.T, broker *instance.Instance, stream string) *page {
	t.Helper()
	cmd := exec.Command("node", "watch.cjs", "http://"+broker.Addr, stream)
	cmd.Stderr = os.Stderr
	instance.DieWithTest(cmd)
	input, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &page{TB: t, said: make(chan string, 100_000)}
	go p.listen(output)
	t.Cleanup(func() {
		stuck := time.AfterFunc(time.Minute, func() { _ = cmd.Process.Kill() })
		defer stuck.Stop()
		_ = input.Close() // then it ends
		if err := cmd.Wait(); err != nil {
			t.Error("the browser:", err)
		}
	})
	return p
}

func (p *page) listen(output io.Reader) {
	defer close(p.said)
	for lines := bufio.NewScanner(output); lines.Scan(); {
		p.said <- lines.Text()
	}
}

// until takes what the page says until something holds. Offsets may come again, and none may be missing.
func (p *page) until(what string, holds func() bool) {
	p.Helper()
	late := time.After(patience)
	for !holds() {
		var line string
		select {
		case line = <-p.said:
		case <-late:
		}
		var offset int64
		switch n, _ := fmt.Sscanf(line, "record %d", &offset); {
		case line == "open":
			p.opened++
		case line == "cut":
			p.cut++
		case n != 1:
			p.Fatalf("never: %s; opened %d times, cut off %d times, next is %d; it says %q", what, p.opened, p.cut, p.next, line)
		case offset > p.next:
			p.Fatalf("records %d to %d are missing", p.next, offset-1)
		default:
			p.next = offset + 1
		}
	}
}

// A page goes on by itself where it was cut off by the broker's death.
func TestABrowserMissesNothing(t *testing.T) {
	const topic, each = "/topics/news/records", 200
	dir := "--data-dir=" + t.TempDir()
	broker := instance.Start(t, dir)
	broker.CreateTopic(t, "news", 1)
	produce := func(from int) {
		for i := range each {
			body := fmt.Sprintf(`{"records":[{"value":"%d"}]}`, from+i)
			broker.Must(t, 200, "POST", topic, "application/json", []byte(body), nil)
		}
	}
	p := watch(t, broker, topic+"?from_offset=earliest")
	p.until("the stream opens", func() bool { return p.opened == 1 })
	for round := range 3 {
		produce(2 * round * each)
		p.until("some records come", func() bool { return p.next > int64((2*round)*each+each/4) })
		broker.Kill()
		broker = instance.Start(t, dir, "--listen="+broker.Addr)
		produce((2*round + 1) * each)
		p.until("it comes again", func() bool { return p.opened == round+2 })
		p.until("all records come", func() bool { return p.next == int64((2*round+2)*each) })
	}
	if p.cut < 3 {
		t.Errorf("cut off %d times", p.cut)
	}
	t.Logf("%d records, opened %d times, cut off %d times", p.next, p.opened, p.cut)
}

// A topic that is deleted ends the page's stream for good.
func TestABrowserStopsWithItsTopic(t *testing.T) {
	broker := instance.Start(t)
	broker.CreateTopic(t, "news", 1)
	p := watch(t, broker, "/topics/news/records")
	p.until("the stream opens", func() bool { return p.opened == 1 })
	broker.Must(t, 204, "DELETE", "/topics/news", "", nil, nil)
	for late := time.After(patience); ; {
		select {
		case line := <-p.said:
			switch line {
			case "closed":
				return
			case "cut": // the error, and then the connection's end
			default:
				t.Fatalf("it says %q", line)
			}
		case <-late:
			t.Fatal("it comes again for ever")
		}
	}
}
