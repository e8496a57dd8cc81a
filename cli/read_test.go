package cli

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"flashq/actor"
	"flashq/client"
	"flashq/http"
)

// said collects what a command says while it runs.
type said struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.Write(p)
}

func (s *said) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// await waits until the command has said it.
func (s *said) await(t *testing.T, what string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(s.String(), what); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("it does not say %q: %s", what, s)
		}
	}
}

// running is a command line whose output is read line by line, and which stands in its writes until it is.
type running struct {
	*bufio.Reader
	said  said
	ended chan int
}

func start(args ...string) *running {
	out, stdout := io.Pipe()
	r := &running{Reader: bufio.NewReader(out), ended: make(chan int, 1)}
	go func() {
		r.ended <- Run(args, stdout, &r.said)
		stdout.Close()
	}()
	return r
}

func (r *running) line(t *testing.T) string {
	t.Helper()
	line, err := r.ReadString('\n')
	if err != nil {
		t.Fatalf("%v: %s", err, &r.said)
	}
	return strings.TrimSuffix(line, "\n")
}

func store(t *testing.T, url string, partition int, values ...string) {
	t.Helper()
	for _, value := range values {
		code, _, stderr := flashq("producer", "records", "news", value, "--partition", fmt.Sprint(partition), "--server", url)
		if code != exitOK {
			t.Fatal(stderr)
		}
	}
}

// What comes while it reads is not what was there: else it might never end.
func TestReadingEndsWhereTheEndWas(t *testing.T) {
	url := serveAt(t, http.Config{})
	store(t, url, 0, "a", "b", "c")
	r := start("consume", "news", "-o", "raw", "--max-records", "2", "--server", url)
	first := r.line(t)
	store(t, url, 0, "d")
	rest, err := io.ReadAll(r)
	if code := <-r.ended; first != "a" || string(rest) != "b\nc\n" || err != nil || code != exitOK {
		t.Errorf("%q, %q, %v, exit %d: %s", first, rest, err, code, &r.said)
	}
}

// An end is that of each partition, whatever the broker had room for in an answer.
func TestReadingEndsInEachPartition(t *testing.T) {
	url := serveAt(t, http.Config{})
	if code, _, stderr := flashq("topic", "create", "news", "--partitions=2", "--server", url); code != exitOK {
		t.Fatal(stderr)
	}
	store(t, url, 0, "a", "b", "c", "d")
	r := start("consume", "news", "--offset=..2", "--follow", "-o=raw", "--server", url)
	got := r.line(t) + r.line(t)
	store(t, url, 1, "e", "f", "g")
	rest, err := io.ReadAll(r)
	if code := <-r.ended; got != "ab" || string(rest) != "e\nf\n" || err != nil || code != exitOK {
		t.Errorf("%q, %q, %v, exit %d: %s", got, rest, err, code, &r.said)
	}
}

// A broker that goes and comes again costs nothing.
func TestReadingGoesOnWhenTheBrokerIsBack(t *testing.T) {
	engine, err := actor.Open(actor.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	address, end := serveOn(t, "127.0.0.1:0", http.Config{Broker: engine})
	store(t, "http://"+address, 0, "a", "b", "c", "d")
	r := start("consume", "news", "-o", "raw", "--max-records", "1", "--server", "http://"+address)
	got := r.line(t)
	end()
	rest := make(chan string, 1)
	go func() {
		text, _ := io.ReadAll(r)
		rest <- string(text)
	}()
	r.said.await(t, "; trying again")
	_, end = serveOn(t, address, http.Config{Broker: engine})
	defer end()
	got += <-rest
	if code := <-r.ended; got != "ab\nc\nd\n" || code != exitOK || !strings.HasSuffix(r.said.String(), "flashq: the broker answers again\n") {
		t.Errorf("%q, exit %d: %s", got, code, &r.said)
	}
}

// What can't be read is told once and stepped over, and the exit code says that something is missing.
func TestReadingStepsOverDamage(t *testing.T) {
	for name, row := range map[string]struct {
		spoil func(file string) error
		want  string
	}{
		"unreadable": {func(file string) error { return os.Mkdir(file, 0o755) }, "the file with offsets %d to before %d can't be read"},
		"damaged":    {damage, "offsets %d to before %d are damaged; go on at %[2]d"},
	} {
		t.Run(name, func(t *testing.T) {
			url, logs := segmented(t)
			var first, next int64
			for i, offset := range []*int64{&first, &next} {
				if _, err := fmt.Sscanf(filepath.Base(logs[1+i]), "%d.log", offset); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Rename(logs[1], logs[1]+".away"); err != nil {
				t.Fatal(err)
			}
			if err := row.spoil(logs[1]); err != nil {
				t.Fatal(err)
			}
			defer os.RemoveAll(logs[1])
			want := fmt.Sprintf("flashq: partition 0: "+row.want+"\nflashq: not all could be read\n", first, next)
			since := fmt.Sprintf("--since=2026-01-16T00:%02d", first)
			for _, args := range [][]string{{}, {"-p", "0"}, {"-p", "0", "--offset", fmt.Sprint(first)}, {"-p=0", since}} {
				args = append([]string{"consume", "news", "-f", `%p:%o\n`, "--server", url}, args...)
				code, stdout, stderr := flashq(args...)
				if code != exitFailed || stderr != want || strings.Contains(stdout, fmt.Sprintf("0:%d\n", first)) ||
					!strings.HasSuffix(stdout, fmt.Sprintf("0:%d\n", next)+tail(next)) {
					t.Errorf("%v: exit %d: %s%s", args, code, stdout, stderr)
				}
			}
			// What is damaged after the end is nobody's business.
			r := start("consume", "news", "--offset", fmt.Sprintf("..%d", first), "--follow", `-f=%p:%o\n`, "--server", url)
			if got := r.line(t); got != "0:0" || first != 1 {
				t.Errorf("%s, of before %d", got, first)
			}
			store(t, url, 1, "other")
			rest, err := io.ReadAll(r)
			if code := <-r.ended; string(rest) != "1:0\n" || err != nil || code != exitOK || r.said.String() != "" {
				t.Errorf("%s, %v, exit %d: %s", rest, err, code, &r.said)
			}
		})
	}
}

// tail is what comes after an offset of twelve records.
func tail(offset int64) (lines string) {
	for o := offset + 1; o < 12; o++ {
		lines += fmt.Sprintf("0:%d\n", o)
	}
	return lines
}

// damage is a copy of a file that was moved away, all of whose records are damaged.
func damage(file string) error {
	text, err := os.ReadFile(file + ".away")
	if err != nil {
		return err
	}
	for i := range text {
		if text[i] == 'x' {
			text[i] = 'y'
		}
	}
	return os.WriteFile(file, text, 0o600)
}

// segmented is a broker on files with twelve records in partition 0 of a topic, in several segments, and none in another.
func segmented(t *testing.T) (url string, logs []string) {
	t.Helper()
	dir := t.TempDir()
	engine, err := actor.Open(actor.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = engine.Close() }) // its file is damaged
	address, end := serveOn(t, "127.0.0.1:0", http.Config{Broker: engine})
	t.Cleanup(end)
	url = "http://" + address
	c, err := client.New(client.Config{Server: url})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	config := client.TopicConfig{Partitions: new(2), SegmentBytes: new(int64(1024))}
	if _, err := c.CreateTopic(t.Context(), "news", config); err != nil {
		t.Fatal(err)
	}
	for i := range 12 {
		record := client.ProducerRecord{
			Value: bytes.Repeat([]byte("x"), 700), Partition: new(0), Timestamp: time.Date(2026, 1, 16, 0, i, 0, 0, time.UTC),
		}
		if _, err := c.Produce(t.Context(), "news", []client.ProducerRecord{record}, client.ProduceOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	logs, err = filepath.Glob(filepath.Join(dir, "news-0", "*.log"))
	if err != nil || len(logs) < 4 {
		t.Fatal(logs, err)
	}
	return url, logs
}
