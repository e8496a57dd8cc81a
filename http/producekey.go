package http

import (
	"bytes"
	"strconv"

	"flashq/broker"
	"flashq/http/fault"
	"flashq/http/recordbody"
	"flashq/segment/batch"
)

// mostKey is how many characters an Idempotency-Key may have.
const mostKey = 128

// repeat is what makes a request one that may be repeated.
type repeat struct {
	key    broker.Key
	given  bool
	digest recordbody.Digest
}

// read takes the Idempotency-Key of a request's head; nil is none. Two principals never mean the same by one.
func (r *repeat) read(header []byte, principal string) (err error) {
	r.given = header != nil
	r.key = broker.Key{Principal: principal}
	if r.given {
		r.key.Name, err = keyName(header)
	}
	return err
}

// keyName is the key that a header says. The draft's quoted form and the bare one are the same.
func keyName(header []byte) (string, error) {
	name := bytes.TrimSpace(header)
	if n := len(name); n >= 2 && name[0] == '"' && name[n-1] == '"' {
		name = bytes.ReplaceAll(bytes.ReplaceAll(name[1:n-1], []byte(`\"`), []byte(`"`)), []byte(`\\`), []byte(`\`))
	}
	printable := func(c rune) bool { return c < ' ' || c > '~' }
	if len(name) == 0 || len(name) > mostKey || bytes.IndexFunc(name, printable) >= 0 {
		return "", fault.OutOfRange.New("Idempotency-Key must be 1 to "+strconv.Itoa(mostKey)+
			" printable ASCII characters, new for each request and the same for each try of it; an UUID will do",
			fault.Details{"field": "Idempotency-Key", "max_size": mostKey, "actual_size": len(name)})
	}
	return string(name), nil
}

// aim changes where records go: those that have no key of their own go by that of the request, so that a retry goes
// where the first try went.
func (r *repeat) aim(t *recordbody.Target) {
	if !r.given {
		return
	}
	r.digest.Reset()
	t.Digest, t.Placements = &r.digest, true
	r.key.Clock = t.Now
	t.Sticky = batch.Partition([]byte(r.key.Name), t.Partitions)
}

// sealed is what the engine gets of it, once everything is decoded; nil is none.
func (r *repeat) sealed() *broker.Key {
	if !r.given {
		return nil
	}
	r.key.Digest = r.digest.Sum()
	return &r.key
}

// checkProducers refuses batches that can be repeated by themselves beside a key.
func (r *repeat) checkProducers(parts []recordbody.Part) error {
	if !r.given {
		return nil
	}
	numbered := func(b batch.Batch) bool { return b.ProducerID() != batch.NoProducer }
	for i := range parts {
		is := numbered(parts[i].Batch)
		for _, b := range parts[i].Rest {
			is = is || numbered(b)
		}
		if is {
			return fault.OutOfRange.New("The batches have a producer id, by which they may be repeated as they are; "+
				"leave out Idempotency-Key, or send them without one (-1)", fault.Details{"field": "Idempotency-Key"})
		}
	}
	return nil
}
