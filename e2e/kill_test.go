package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"testing"

	"flashq/e2e/instance"
	"flashq/e2e/oracle"
)

const (
	loadTopic = "load"
	// enoughLoad is the acknowledged requests a second below which a round of kills hits an idle broker and shows nothing.
	enoughLoad = 50
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
			l := oracle.NewLedger(loadTopic, partitions)
			topics, commits := oracle.NewTopics(loadTopic), oracle.NewCommits(loadTopic)
			position := ""
			random := rand.New(rand.NewPCG(1, 2))
			cycles, recoveries := 0, 0
			defer func() {
				fmt.Printf("kill -9, %s: %d cycles and %d kills during recovery: %s\n", row.name, cycles, recoveries, l)
			}()
			for ; cycles < kills(t); cycles++ {
				var churn sync.WaitGroup
				churn.Go(func() { topics.Churn(t, broker) })
				churn.Go(func() { commits.Churn(t, broker) })
				l.Load(t, broker, 1+random.IntN(200), broker.Kill)
				churn.Wait()
				for range random.IntN(3) {
					instance.Launch(t, args...).Kill()
					recoveries++
				}
				broker = instance.Start(t, args...)
				topics.Check(t, broker)
				commits.Check(t, broker)
				position = l.CheckFrom(t, broker, position)
			}
			everything, _ := broker.ReadFrom(t, loadTopic, "")
			l.CheckAll(t, everything)
			broker.Stop(t)
			if l.Rate() < enoughLoad {
				t.Errorf("%.0f acknowledged requests a second: too few to show anything", l.Rate())
			}
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
	return max(n/3, 1)
}
