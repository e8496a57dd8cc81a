package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"flashq/e2e/instance"
)

// asked is one operation on a partition: an append of a value, or a read of everything ("").
type asked struct{ value string }

// told is its answer: the append's offset, or all values. An append that got no answer may have happened or not, at any
// time from its start on.
type told struct {
	offset  int64
	values  string
	unknown bool
}

// logModel is what a partition is: a list that grows at its end. The state is its values, each with a blank after it.
var logModel = porcupine.NondeterministicModel{
	Init: func() []any { return []any{""} },
	Step: func(state, input, output any) []any {
		s, in, out := state.(string), input.(asked), output.(told)
		switch {
		case in.value == "" && out.values == s:
			return []any{s}
		case in.value == "":
			return nil
		case out.unknown:
			return []any{s, s + in.value + " "}
		case out.offset == int64(strings.Count(s, " ")):
			return []any{s + in.value + " "}
		}
		return nil
	},
	DescribeOperation: func(input, output any) string { return fmt.Sprintf("%+v gives %+v", input, output) },
}

// Short histories of few clients, with a kill in the middle of some, are linearizable: a partition behaves as if one
// operation were done after the other.
func TestShortHistoriesAreLinearizable(t *testing.T) {
	args := []string{"--storage=file", "--data-dir=" + t.TempDir()}
	broker := instance.Start(t, args...)
	model := logModel.ToModel()
	for round := range 24 {
		topic := fmt.Sprint("linear-", round)
		broker.CreateTopic(t, topic, 1)
		history := operate(t, broker, topic, uint64(round), round%3 == 0)
		if round%3 == 0 {
			broker.Kill()
			broker = instance.Start(t, args...)
			history = append(history, readAll(t, broker, topic))
		}
		switch result, _ := porcupine.CheckOperationsVerbose(model, history, 20*time.Second); result {
		case porcupine.Illegal:
			for _, o := range history {
				t.Logf("client %d: %s, %d to %d", o.ClientId, model.DescribeOperation(o.Input, o.Output), o.Call, o.Return)
			}
			t.Fatal("this history is not linearizable")
		case porcupine.Unknown:
			t.Errorf("round %d: a history of %d operations took too long to judge", round, len(history))
		}
	}
	broker.Stop(t)
}

var epoch = time.Now()

// operate has four clients do ten operations each; with kill the broker ends in their middle.
func operate(t *testing.T, broker *instance.Instance, topic string, seed uint64, kill bool) (all []porcupine.Operation) {
	t.Helper()
	var mu sync.Mutex
	var clients sync.WaitGroup
	done := make(chan struct{}, 100)
	for client := range 4 {
		random := rand.New(rand.NewPCG(seed, uint64(client)))
		clients.Go(func() {
			for n := range 10 {
				o := porcupine.Operation{ClientId: client, Call: time.Since(epoch).Nanoseconds()}
				var ok bool
				if random.IntN(3) == 0 {
					ok = doRead(t, broker, topic, &o)
				} else {
					ok = doAppend(t, broker, topic, fmt.Sprintf("c%dn%d", client, n), &o)
				}
				mu.Lock()
				if ok || o.Input != (asked{}) {
					all = append(all, o)
				}
				mu.Unlock()
				done <- struct{}{}
				if !ok {
					return // the broker is gone
				}
			}
		})
	}
	if kill {
		for range 15 {
			<-done
		}
		broker.Kill()
	}
	clients.Wait()
	return all
}

// doAppend is not ok when there was no answer: then the append may yet happen, as far as its client knows.
func doAppend(t *testing.T, broker *instance.Instance, topic, value string, o *porcupine.Operation) bool {
	o.Input = asked{value}
	a, err := broker.Call("POST", "/topics/"+topic+"/records", "application/json",
		[]byte(`{"records":[{"value":"`+value+`"}]}`))
	o.Return = time.Since(epoch).Nanoseconds()
	var p instance.Produced
	if err != nil || a.Status != http.StatusOK {
		o.Output, o.Return = told{unknown: true}, 1<<62
		return false
	}
	if err := json.Unmarshal(a.Body, &p); err != nil {
		t.Error(err)
	}
	o.Output = told{offset: p.Offset}
	return true
}

// doRead is not ok when there was no answer: a read that nobody saw says nothing.
func doRead(t *testing.T, broker *instance.Instance, topic string, o *porcupine.Operation) bool {
	o.Input = asked{}
	a, err := broker.Call("GET", "/topics/"+topic+"/records?max_records=1000", "", nil)
	o.Return = time.Since(epoch).Nanoseconds()
	if err != nil || a.Status != http.StatusOK {
		return false
	}
	var page instance.Page
	if err := json.Unmarshal(a.Body, &page); err != nil {
		t.Error(err)
		return false
	}
	o.Output = told{values: valuesOf(page)}
	return true
}

func valuesOf(page instance.Page) string {
	var values strings.Builder
	for _, r := range page.Records {
		values.WriteString(*r.Value + " ")
	}
	return values.String()
}

// readAll is one more read, after everything else.
func readAll(t *testing.T, broker *instance.Instance, topic string) porcupine.Operation {
	t.Helper()
	o := porcupine.Operation{ClientId: 9, Call: time.Since(epoch).Nanoseconds()}
	if !doRead(t, broker, topic, &o) {
		t.Fatal("no answer after the restart")
	}
	return o
}

// A model that accepts everything would show nothing.
func TestLogModelObjects(t *testing.T) {
	model := logModel.ToModel()
	op := func(call, end int64, in asked, out told) porcupine.Operation {
		return porcupine.Operation{ClientId: int(call), Input: in, Call: call, Output: out, Return: end}
	}
	for name, history := range map[string][]porcupine.Operation{
		"a lost append":         {op(1, 2, asked{"a"}, told{offset: 0}), op(3, 4, asked{}, told{values: ""})},
		"an offset twice":       {op(1, 2, asked{"a"}, told{offset: 0}), op(3, 4, asked{"b"}, told{offset: 0})},
		"a read that goes back": {op(1, 9, asked{"a"}, told{unknown: true}), op(2, 3, asked{}, told{values: "a "}), op(4, 5, asked{}, told{})},
	} {
		if porcupine.CheckOperations(model, history) {
			t.Errorf("%s was taken", name)
		}
	}
}
