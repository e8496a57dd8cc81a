package loadtest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"flashq/loadtest/report"
)

const (
	// rotation is how many different bodies are sent in turn, so that no server profits from seeing one again.
	rotation = 8
	// rotationBytes bounds what the rotation holds, so that it stays in cache as far as it can.
	rotationBytes = 4 << 20
)

// record is one line of NDJSON, or one element of a JSON request.
type record struct {
	Key   *string `json:"key,omitempty"`
	Value string  `json:"value"`
}

// body is what one request carries.
type body struct {
	text  []byte
	query string // what raw bodies can't say: "" or "?key=..."
}

// bodies builds the request bodies of a load: the same ones in each run.
func bodies(l report.Load) ([]body, error) {
	if l.Payload != "" {
		return payloadBodies(l)
	}
	r := rand.New(rand.NewPCG(l.Seed, 2))
	var list []body
	for number := 0; len(list) < wanted(l, total(list)/max(len(list), 1)); number += l.Batch {
		b, err := oneBody(l, number, r)
		if err != nil {
			return nil, err
		}
		list = append(list, b)
	}
	return list, bounded(list)
}

// total is how many bytes the bodies have.
func total(list []body) int {
	n := 0
	for _, b := range list {
		n += len(b.text)
	}
	return n
}

func bounded(list []body) error {
	if size := total(list) / len(list); size > maxBody {
		return fmt.Errorf("%w: a request has %d bytes: at most %d are allowed", ErrConfig, size, maxBody)
	}
	return nil
}

// wanted is how many bodies of that size make the rotation: more than a handful only where the keys don't fit.
func wanted(l report.Load, size int) int {
	forKeys := (l.Keys + l.Batch - 1) / l.Batch
	return max(2, min(max(rotation, forKeys), rotationBytes/max(size, 1)))
}

// distinctKeys is how many keys n bodies hold.
func distinctKeys(l report.Load, n int) int { return min(l.Keys, n*l.Batch) }

func oneBody(l report.Load, number int, r *rand.Rand) (body, error) {
	values := make([][]byte, l.Batch)
	for i := range values {
		values[i] = value(l, r)
	}
	return bodyOf(l, number, values)
}

// bodyOf makes a request's body of its values; its first record is the number-th of all.
func bodyOf(l report.Load, number int, values [][]byte) (body, error) {
	records := make([]record, len(values))
	for i, v := range values {
		records[i].Value = string(v)
		if l.Keys > 0 {
			key := fmt.Sprintf("key-%07d", (number+i)%l.Keys)
			records[i].Key = &key
		}
	}
	switch l.Format {
	case "raw":
		b := body{text: values[0]}
		if key := records[0].Key; key != nil {
			b.query = "?key=" + *key
		}
		return b, nil
	case "batch":
		return batchBody(l, records)
	}
	return textBody(l, records)
}

func batchBody(l report.Load, records []record) (b body, err error) {
	now := time.Now().UnixMilli()
	for some := range slices.Chunk(records, cmp.Or(l.PerBatch, len(records))) {
		if b.text, err = appendBatch(b.text, some, l.Compression, now); err != nil {
			return b, err
		}
	}
	return b, nil
}

func textBody(l report.Load, records []record) (body, error) {
	lines := make([][]byte, len(records))
	for i, r := range records {
		line, err := json.Marshal(r)
		if err != nil {
			return body{}, fmt.Errorf("body: %w", err)
		}
		lines[i] = line
	}
	if l.Format == "ndjson" {
		return body{text: append(bytes.Join(lines, []byte("\n")), '\n')}, nil
	}
	return body{text: fmt.Appendf(nil, `{"records":[%s]}`, bytes.Join(lines, []byte(",")))}, nil
}

func value(l report.Load, r *rand.Rand) []byte {
	if l.Value == "json" {
		return jsonValue(l.Size, r)
	}
	return letters(nil, l.Size, r)
}

func letters(b []byte, n int, r *rand.Rand) []byte {
	for range n {
		b = append(b, byte('a'+r.IntN(26)))
	}
	return b
}

// jsonValue is a JSON object of exactly n bytes, as dense in quotes as real records are. A few bytes hold no object:
// then it is a number.
func jsonValue(n int, r *rand.Rand) []byte {
	const tail = `"note":""}`
	if n <= len(tail) {
		return bytes.Repeat([]byte{byte('1' + r.IntN(9))}, n)
	}
	b := []byte{'{'}
	for i := 0; ; i++ {
		field := fmt.Sprintf(`"dep_delay_%d":%d,`, i, r.IntN(100))
		if i%2 == 1 {
			field = fmt.Sprintf(`"carrier_%d":"%s",`, i, letters(nil, 2, r))
		}
		if len(b)+len(field)+len(tail) > n {
			break
		}
		b = append(b, field...)
	}
	b = append(b, `"note":"`...)
	return append(letters(b, n-len(b)-2, r), `"}`...)
}
