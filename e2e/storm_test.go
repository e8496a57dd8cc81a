package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"flashq/e2e/instance"
	"flashq/e2e/storm"
)

// Clients that send each request again until it is answered, while connections are cut and the broker is killed, have
// each request's records stored once, in order, where its answer says; and whenever they ask again, they get that answer.
func TestRetriesStoreOnce(t *testing.T) {
	const topic, clients = "storm", 64
	for _, row := range []struct {
		name   string
		args   []string
		fields []string
	}{
		{name: "interval"},
		{name: "always", args: []string{"--fsync=always"}},
		{name: "retention", fields: []string{`"retention_bytes":16384`}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel() // they mostly wait for brokers that start
			args := append([]string{"--storage=file", "--data-dir=" + t.TempDir()}, row.args...)
			broker := instance.Start(t, args...)
			broker.CreateTopic(t, topic, partitions, append(row.fields, `"segment_bytes":8192`)...)
			proxy := storm.NewProxy(t)
			proxy.To(broker.Addr)
			s := storm.New(topic, partitions, clients, proxy)
			s.Trimmed = row.fields != nil
			cycles := 0
			defer func() { fmt.Printf("retry storm, %s: %d kills: %s\n", row.name, cycles, s) }()
			restart := func() {
				proxy.To("")
				broker.Kill()
				broker = instance.Start(t, args...)
				proxy.To(broker.Addr)
			}
			for ; cycles < storms(t) && !t.Failed(); cycles++ {
				s.Rage(t, 1+rand.IntN(clients), restart)
			}
			if cuts := proxy.Cuts(); cuts < int64(5*cycles) {
				t.Errorf("%d connections cut: too few to show anything", cuts)
			}
			s.CheckAll(t, broker)
			restart()
			s.Misuse(t, 2)
			s.Repeat(t, 1)
			broker.Stop(t)
			broker = instance.Start(t, args...)
			proxy.To(broker.Addr)
			s.Repeat(t, 3)
			s.Misuse(t, 3)
			s.CheckAll(t, broker)
		})
	}
}

// storms is the number of kills for one row: few in the inner loop.
func storms(t *testing.T) int {
	text := os.Getenv("FLASHQ_STORMS")
	if text == "" {
		return 3
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("FLASHQ_STORMS: %v", err)
	}
	return max((n+2)/3, 1)
}

// flashq producer tells what it tries again, and stores each record of its input once, in order, whatever breaks.
func TestTheProducerCommandStoresOnce(t *testing.T) {
	const topic, inputs, records, requests, kills = "lines", 8, 2500, 3, 3
	args := []string{"--storage=file", "--data-dir=" + t.TempDir(), "--segment-bytes=64KiB"}
	broker := instance.Start(t, args...)
	broker.CreateTopic(t, topic, 1)
	proxy := storm.NewProxy(t)
	proxy.To(broker.Addr)
	var all sync.WaitGroup
	var running, again atomic.Int64
	running.Store(inputs)
	for input := range inputs {
		all.Go(func() {
			defer running.Add(-1)
			out, said := produceAll(t, proxy.Addr, topic, input, records)
			if n := strings.Count(out, "\n"); n != requests {
				t.Errorf("input %d: %d answers:\n%s%s", input, n, out, said)
			}
			again.Add(int64(strings.Count(said, "; trying again in ")))
		})
	}
	for kill := range int64(kills) {
		instance.Eventually(t, "connections are cut", func() bool { return proxy.Cuts() > 4*kill || running.Load() == 0 })
		proxy.To("")
		broker.Kill()
		broker = instance.Start(t, args...)
		proxy.To(broker.Addr)
	}
	all.Wait()
	fmt.Printf("flashq producer: %d kills, %d tries again; %s\n", kills, again.Load(), proxy)
	if again.Load() == 0 {
		t.Error("nothing was tried again: too little to show anything")
	}
	next := [inputs]int{}
	got, _ := broker.ReadFrom(t, topic, "")
	for _, r := range got[0] {
		input, number := 0, 0
		if _, err := fmt.Sscanf(instance.Text(r.Value), `"%d.%d"`, &input, &number); err != nil || number != next[input] {
			t.Fatalf("offset %d holds %s, after %v (%v)", r.Offset, instance.Text(r.Value), next, err)
		}
		next[input]++
	}
	if len(got[0]) != inputs*records {
		t.Errorf("%d records, of each input %v", len(got[0]), next)
	}
}

// produceAll runs flashq producer with a list of records on its standard input.
func produceAll(t *testing.T, addr, topic string, input, records int) (out, said string) {
	list := make([]string, records)
	for i := range list {
		list[i] = fmt.Sprintf(`{"value":"%d.%d"}`, input, i)
	}
	var stderr strings.Builder
	cmd := exec.Command(instance.Binary(), "producer", "records", topic, "--batch=-", "-o=json", "--retry-for=1m",
		"--server=http://"+addr)
	instance.DieWithTest(cmd)
	cmd.Stdin, cmd.Stderr = strings.NewReader("["+strings.Join(list, ",")+"]"), &stderr
	text, err := cmd.Output()
	if err != nil {
		t.Errorf("input %d: %v: %s", input, err, stderr.String())
	}
	return string(text), stderr.String()
}
