package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
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
