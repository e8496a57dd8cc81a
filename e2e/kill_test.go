package e2e

import (
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"

	"flashq/e2e/instance"
)

// kill -9 at any moment, also during recovery, loses nothing that was acknowledged, records and commits alike, doubles
// nothing and tears nothing.
func TestKillLosesNothing(t *testing.T) {
	for _, row := range []struct {
		name   string
		args   []string
		fields []string
	}{
		{name: "interval"},
		{name: "always", args: []string{"--fsync=always"}},
		{name: "rolling", fields: []string{`"segment_bytes":16384`}},
	} {
		t.Run(row.name, func(t *testing.T) {
			args := append([]string{"--storage=file", "--data-dir=" + t.TempDir()}, row.args...)
			broker := instance.Start(t, args...)
			broker.CreateTopic(t, loadTopic, partitions, row.fields...)
			l, topics, commits := newLedger(), newTopicLedger(loadTopic), newCommitLedger(loadTopic)
			position := ""
			random := rand.New(rand.NewPCG(1, 2))
			for range kills(t) {
				var churn sync.WaitGroup
				churn.Go(func() { topics.churn(t, broker) })
				churn.Go(func() { commits.churn(t, broker) })
				load(t, broker, l, 1+random.IntN(200), broker.Kill)
				churn.Wait()
				for range random.IntN(3) {
					instance.Launch(t, args...).Kill()
				}
				broker = instance.Start(t, args...)
				topics.check(t, broker)
				commits.check(t, broker)
				var got map[int][]instance.Record
				got, position = broker.ReadFrom(t, loadTopic, position)
				l.check(t, got)
			}
			everything, _ := broker.ReadFrom(t, loadTopic, "")
			l.checkAll(t, everything)
			broker.Stop(t)
		})
	}
}

// kills is the number of rounds for one row: few in the inner loop.
func kills(t *testing.T) int {
	text := os.Getenv("FLASHQ_KILLS")
	if text == "" {
		return 4
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatalf("FLASHQ_KILLS: %v", err)
	}
	return n / 3
}
