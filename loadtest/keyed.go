package loadtest

import (
	"bytes"
	"fmt"
	"sync"
	"time"

	"flashq/loadtest/drive"
	"flashq/loadtest/report"
)

// keys gives every request an Idempotency-Key of its own, and sends some once more when they are answered: then the
// answer has to be the same, and marked as a replay.
type keys struct {
	cargo  cargo
	host   drive.Host
	topic  string
	prefix string // of this measurement's keys
	every  int64  // one in so many requests is replayed; zero: none

	mu      sync.Mutex
	replays report.Replays // of all loops
}

func newKeys(g cargo, host drive.Host, topic string, share float64) *keys {
	k := &keys{cargo: g, host: host, topic: topic, prefix: fmt.Sprintf("loadtest-%d-", time.Now().UnixNano())}
	if share > 0 {
		k.every = max(int64(1/share), 1)
	}
	return k
}

// source is a loop's.
func (k *keys) source(int) drive.Source { return &keyed{keys: k, by: map[int]*keyedRequest{}} }

// found is what the replays were answered; nil where there were none.
func (k *keys) found() *report.Replays {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.every == 0 {
		return nil
	}
	found := k.replays
	return &found
}

// keyed is a loop's part. Each connection has one request of its own, into which the keys are written.
type keyed struct {
	*keys
	by map[int]*keyedRequest
}

type keyedRequest struct {
	request []byte
	keyAt   int
	number  int64  // of the connection's keys
	first   []byte // the answer to be replayed
	again   bool   // the next request is the last one again
	replay  bool   // the request under way is that
}

// keyDigits are the parts of a key that change: the connection and its number.
const keyDigits = "00000-000000000000"

// More implements drive.Source.
func (k *keyed) More(int) bool { return true }

// Next implements drive.Source.
func (k *keyed) Next(connection int, _ int64) []byte {
	one := k.by[connection]
	if one == nil {
		key := k.prefix + keyDigits
		b := k.cargo.bodies[connection%len(k.cargo.bodies)]
		one = &keyedRequest{request: k.cargo.request(k.host, k.topic, connection, b, "Idempotency-Key: "+key)}
		one.keyAt = bytes.Index(one.request, []byte(key)) + len(k.prefix)
		k.by[connection] = one
	}
	if one.replay, one.again = one.again, false; one.replay {
		return one.request
	}
	one.number++
	digits := one.request[one.keyAt:]
	putDigits(digits[:5], int64(connection))
	putDigits(digits[6:len(keyDigits)], one.number)
	return one.request
}

// Answered implements drive.Source. The records of a replay are no new ones.
func (k *keyed) Answered(connection int, a *drive.Answer, meant, now int64, t *drive.Tally) error {
	one := k.by[connection]
	marked := a.Header("Idempotency-Replayed") == "true"
	if one.replay {
		k.judge(marked, bytes.Equal(a.Body, one.first))
		t.Succeeded(0, 0, now-meant)
		return nil
	}
	if marked {
		return fmt.Errorf("%w: it is marked as a replay, and its key is new", drive.ErrAnswer)
	}
	if k.every > 0 && one.number%k.every == 0 {
		one.first, one.again = append(one.first[:0], a.Body...), true
	}
	t.Succeeded(int64(k.cargo.Batch), k.cargo.valueBytes(), now-meant)
	return nil
}

func (k *keys) judge(marked, same bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.replays.Answered++
	if !marked {
		k.replays.Unmarked++
	}
	if !same {
		k.replays.Different++
	}
}
