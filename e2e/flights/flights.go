// Package flights owns the real records of testdata: the flights that left New York in January 2013.
package flights

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"

	"flashq/e2e/instance"
)

// Count is how many there are, as testdata/README.md says.
const Count = 27004

// Flight is one record to be produced.
type Flight struct {
	Line []byte // the record object as it stands in the file, without the newline

	Key       *string          `json:"key"`
	Value     *string          `json:"value"`
	Headers   instance.Headers `json:"headers"`
	Timestamp time.Time        `json:"timestamp"`
}

// Load reads all of them.
func Load(t testing.TB) []Flight {
	t.Helper()
	all, err := load()
	if err != nil {
		t.Fatalf("flights: %v", err)
	}
	if len(all) != Count {
		t.Fatalf("flights: %d of them instead of %d", len(all), Count)
	}
	return all
}

func load() ([]Flight, error) {
	root, err := instance.Root()
	if err != nil {
		return nil, err
	}
	file, err := os.Open(filepath.Join(root, "testdata", "flights-2013-01.ndjson.gz"))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	unzip, err := gzip.NewReader(file)
	if err != nil {
		return nil, err
	}
	var all []Flight
	lines := bufio.NewScanner(unzip)
	for lines.Scan() {
		f := Flight{Line: bytes.Clone(lines.Bytes())}
		if err := json.Unmarshal(f.Line, &f); err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	return all, lines.Err()
}

// NDJSON is the body of a request with these flights, one a line.
func NDJSON(some []Flight) []byte {
	return join(some, "\n")
}

// JSON is the body of a request with these flights as one batch.
func JSON(some []Flight) []byte {
	return []byte(`{"records":[` + string(join(some, ",")) + `]}`)
}

func join(some []Flight, between string) []byte {
	lines := make([][]byte, len(some))
	for i, f := range some {
		lines[i] = f.Line
	}
	return bytes.Join(lines, []byte(between))
}
