package loadtest

import (
	"bytes"
	"encoding/json"
	"testing"

	"flashq/loadtest/report"
)

// decode reads a body the way any server would.
func decode(t *testing.T, format string, body []byte) []record {
	t.Helper()
	if format == "json" {
		var request struct{ Records []record }
		if err := json.Unmarshal(body, &request); err != nil {
			t.Fatal(err)
		}
		return request.Records
	}
	var list []record
	for line := range bytes.Lines(body) {
		var r record
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatal(err)
		}
		list = append(list, r)
	}
	return list
}

func TestBodiesHoldTheAskedRecords(t *testing.T) {
	for _, format := range report.Formats {
		for _, kind := range report.Values {
			for _, size := range []int{1, 9, 10, 11, 40, 100, 1000} {
				l := report.Load{Format: format, Value: kind, Size: size, Batch: 3, Keys: 50}
				list, err := bodies(l)
				if err != nil {
					t.Fatal(err)
				}
				keys := map[string]bool{}
				for _, body := range list {
					records := decode(t, format, body)
					if len(records) != 3 {
						t.Fatalf("%+v: %d records", l, len(records))
					}
					for _, r := range records {
						keys[*r.Key] = true
						if len(r.Value) != size {
							t.Fatalf("%+v: value %q", l, r.Value)
						}
						if kind == "json" && !json.Valid([]byte(r.Value)) {
							t.Fatalf("%+v: value %q is no JSON", l, r.Value)
						}
					}
				}
				if len(keys) != 50 || distinctKeys(l, len(list)) != 50 {
					t.Errorf("%+v: %d keys in %d bodies", l, len(keys), len(list))
				}
			}
		}
	}
}

func TestBodiesAreTheSameInEachRun(t *testing.T) {
	l := report.Load{Format: "json", Value: "json", Size: 100, Batch: 2}
	one, _ := bodies(l)
	two, _ := bodies(l)
	if !bytes.Equal(bytes.Join(one, nil), bytes.Join(two, nil)) {
		t.Error("the bodies differ")
	}
	if bytes.Equal(one[0], one[1]) {
		t.Error("the rotation holds one body only")
	}
	if r := decode(t, "json", one[0]); r[0].Key != nil {
		t.Errorf("a key that nobody asked for: %s", *r[0].Key)
	}
}

func TestManyKeysAreBoundedByTheRotation(t *testing.T) {
	l := report.Load{Format: "json", Value: "letters", Size: 1 << 20, Batch: 1, Keys: 1000}
	list, err := bodies(l)
	if err != nil {
		t.Fatal(err)
	}
	if size := len(bytes.Join(list, nil)); size > 2*rotationBytes {
		t.Errorf("the rotation holds %d bytes", size)
	}
	if r := newReport(&plan{config: Config{Load: l}.withDefaults(), bodies: list}); len(r.Notes) != 1 {
		t.Errorf("fewer keys than asked for, and the notes say %q", r.Notes)
	}
}
