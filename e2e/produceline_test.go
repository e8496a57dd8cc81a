package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"flashq/e2e/instance"
	"flashq/e2e/storm"
)

// flashq produce stores each line that it is given once, in order, while connections are cut and the broker is killed.
func TestProducedLinesOutliveKills(t *testing.T) {
	const topic, lines = "lines", 100 // for each answer so many more, so that a request is under way at each kill
	args := []string{"--storage=file", "--data-dir=" + t.TempDir(), "--segment-bytes=64KiB"}
	broker := instance.Start(t, args...)
	broker.CreateTopic(t, topic, partitions)
	proxy := storm.NewProxy(t)
	proxy.To(broker.Addr)
	cmd := exec.Command(instance.Binary(), "produce", topic, "-K:", "-o=json", "--retry-for=1m", "--server=http://"+proxy.Addr)
	instance.DieWithTest(cmd)
	var said strings.Builder
	cmd.Stderr = &said
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	answers, sent := bufio.NewScanner(out), 0
	send := func() {
		for range lines {
			if _, err := fmt.Fprintf(in, "%d:%d\n", sent%7, sent); err != nil {
				t.Fatalf("%v: %s", err, said.String())
			}
			sent++
		}
	}
	send()
	for range kills(t) {
		for range 1 + rand.IntN(5) {
			if !answers.Scan() {
				t.Fatalf("no answer: %v", said.String())
			}
			send()
		}
		proxy.To("")
		broker.Kill()
		broker = instance.Start(t, args...)
		proxy.To(broker.Addr)
	}
	in.Close()
	for answers.Scan() {
	}
	if err := cmd.Wait(); err != nil {
		t.Fatalf("%v: %s", err, said.String())
	}
	again := strings.Count(said.String(), "; trying again in ")
	fmt.Printf("flashq produce: %d lines, %d kills, %d tries again; %s\n", sent, kills(t), again, proxy)
	if again < kills(t)/2 {
		t.Error("too few tries again to show anything")
	}
	got, _ := broker.ReadFrom(t, topic, "")
	checkLines(t, got, 7, sent)
}

// checkLines demands that keys have their lines, each once and in order.
func checkLines(t *testing.T, got map[int][]instance.Record, keys, sent int) {
	t.Helper()
	next, found := map[string]int{}, 0
	for partition, records := range got {
		for _, r := range records {
			key, n := instance.Text(r.Key), 0
			if _, known := next[key]; !known {
				if _, err := fmt.Sscanf(key, `"%d"`, &n); err != nil {
					t.Fatalf("key %s: %v", key, err)
				}
				next[key] = n
			}
			if want := fmt.Sprintf("%q", fmt.Sprint(next[key])); instance.Text(r.Value) != want {
				t.Fatalf("partition %d, offset %d: key %s has %s instead of %s", partition, r.Offset, key, instance.Text(r.Value), want)
			}
			next[key] += keys
			found++
		}
	}
	if found != sent {
		t.Errorf("%d records of %d lines", found, sent)
	}
}

var howToGoOn = regexp.MustCompile(`with (--skip \d+)(?: (--unanswered \S+))?$`)

// Who does what flashq produce says when it ended early, as often as it says so, has stored each line once, in order.
func TestProduceGoesOnWhereItSays(t *testing.T) {
	const topic, lines = "resumed", 20_000
	args := []string{"--storage=file", "--data-dir=" + t.TempDir(), "--max-body-bytes=64KiB"}
	broker := instance.Start(t, args...)
	broker.CreateTopic(t, topic, 1)
	proxy := storm.NewProxy(t)
	proxy.To(broker.Addr)
	file := filepath.Join(t.TempDir(), "lines")
	writeLines(t, file, lines)
	runs, doubts, flags := 0, 0, ""
	for ; ; runs++ {
		command := append([]string{
			"produce", topic, "-K:", "--file", file, "--retry-for=0", "-o=json", "--server=http://" + proxy.Addr,
		}, strings.Fields(flags)...)
		cmd := exec.Command(instance.Binary(), command...)
		instance.DieWithTest(cmd)
		var said strings.Builder
		cmd.Stdout, cmd.Stderr = io.Discard, &said
		err := cmd.Run()
		if err == nil {
			break
		}
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 3 || runs > lines {
			t.Fatalf("run %d: %v: %s", runs, err, said.String())
		}
		if how := howToGoOn.FindStringSubmatch(strings.TrimSpace(said.String())); how != nil {
			flags = how[1] + " " + how[2]
			if how[2] != "" {
				doubts++
			}
		} else if !strings.Contains(said.String(), "nothing is stored") {
			t.Fatalf("run %d says not how to go on: %s", runs, said.String())
		}
	}
	fmt.Printf("flashq produce: %d runs, after %d of which nobody knew; %s\n", runs+1, doubts, proxy)
	if doubts < 3 {
		t.Error("too few doubts to show anything")
	}
	got, _ := broker.ReadFrom(t, topic, "")
	checkLines(t, got, 1, lines)
}

// writeLines makes a file of many requests: each line has its number, and a key that is the same.
func writeLines(t *testing.T, name string, lines int) {
	t.Helper()
	var text strings.Builder
	for i := range lines {
		fmt.Fprintf(&text, "0:%d\n", i)
	}
	if err := os.WriteFile(name, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}
