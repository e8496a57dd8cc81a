package fetch

import (
	"slices"
	"strings"
	"testing"

	"flashq/http/fault"
	"flashq/http/request"
)

// FuzzQuery reads any query: never a panic, a refusal is one of the contract's, and what is taken is within bounds.
func FuzzQuery(f *testing.F) {
	for _, query := range []string{
		"", "from_offset=-5&max_records=10", "from_time=-2h30m&to_time=2026-01-15T10:00:00 01:00", "position=g7;0:15,2:7",
		"group=g&ack=0:1,1:2&session_ms=5", "partition=0,2,2&encoding=base64&include_headers=false", "follow=true",
		"max_records=0", "from_offset=1&from_offset=2", "%6dax_records=5&&=&a", "min_bytes=5&max_bytes=4&timeout_ms=60000",
	} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		q, err := Parse([]byte(query), false)
		if err != nil {
			if e, known := fault.Explain(err); !known || e.Kind.Status != 400 {
				t.Fatalf("%q: %v", query, err)
			}
			return
		}
		if q.Most.Records < 1 || q.Most.Records > maxRecords || q.Most.Bytes < 1 || q.Most.Bytes > maxBytes ||
			q.MinBytes < 1 || q.MinBytes > q.Most.Bytes || q.Timeout < 0 || q.Start.Offset < 0 {
			t.Fatalf("%q: %+v", query, q)
		}
		if q.Group != "" && request.CheckName("group", q.Group) != nil {
			t.Fatalf("%q: group %q", query, q.Group)
		}
		for _, m := range append(q.Start.Marks, q.Ack.Marks...) {
			if m.Partition < 0 || m.Offset < 0 {
				t.Fatalf("%q: %+v", query, m)
			}
		}
	})
}

// A HEAD asks for what a GET would say, and does nothing that a GET would do.
func TestAHeadNeitherWaitsNorAcknowledges(t *testing.T) {
	q, err := Parse([]byte("group=g&ack=0:1&timeout_ms=5000"), true)
	if err != nil || q.Timeout != 0 || q.Ack.Marks != nil || q.Group != "g" {
		t.Errorf("%+v %v", q, err)
	}
}

// The routes of FlashQ in Rust name their group in the path, once.
func TestAnAliasTakesNoGroup(t *testing.T) {
	q, err := ParseAlias([]byte("ack=0:1&max_records=5"), false, "g")
	if err != nil || q.Group != "g" || !q.OfAlias || len(q.Partitions) != 1 || q.Ack.Marks == nil {
		t.Errorf("%+v %v", q, err)
	}
	for _, query := range []string{"group=h", "member=m", "session_ms=1000"} {
		if _, err := ParseAlias([]byte(query), false, "g"); err == nil || !strings.Contains(err.Error(), "allowed: ") {
			t.Errorf("%s: %v", query, err)
		}
	}
}

// FuzzEventID goes on with a stream from any id: what is taken says where, and a start of the query's own does not count.
func FuzzEventID(f *testing.F) {
	f.Add("0:15,2:7", "from_offset=5")
	f.Add("g7;0:15", "group=g&member=m")
	f.Add("g7;", "group=g")
	f.Add("0:1,0:2", "last_event_id=0:1")
	f.Add("", "last_event_id=g9223372036854775808;0:1")
	f.Fuzz(func(t *testing.T, id, query string) {
		q, err := Parse([]byte(query), false)
		if err != nil {
			return
		}
		live, err := q.live(request.Events, &request.Head{LastEventID: []byte(id)})
		if err != nil {
			if e, known := fault.Explain(err); !known || e.Kind != fault.InvalidParameter || len(e.Message) > 1000 {
				t.Fatalf("%q %q: %v", query, id, err)
			}
			return
		}
		generation, marks, ok := request.ParseToken([]byte(id))
		if !live || id != "" && (!ok || q.Resume.Generation != generation || !slices.Equal(q.Resume.Marks, marks)) ||
			q.Resume.Marks != nil && q.Group == "" && q.Start.Kind != FromPosition || q.Most.Bytes > mostFlush {
			t.Fatalf("%q %q: %+v", query, id, q)
		}
	})
}
