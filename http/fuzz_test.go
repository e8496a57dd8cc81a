package http

import (
	"bytes"
	"encoding/json"
	"testing"

	"flashq/broker"
	"flashq/http/fault"
	"flashq/http/fetch"
	"flashq/http/recordbody"
	"flashq/http/request"
)

// FuzzCommit reads any body of a commit: never a panic, and every item that is taken says exactly one place.
func FuzzCommit(f *testing.F) {
	f.Add([]byte(`{"offsets":[{"topic":"news","partition":0,"offset":15,"metadata":"batch 42"},{"topic":"news","at":"-1h"}]}`))
	f.Add([]byte(`{"offsets":[{"topic":"t","at":1700000000000}],"member":"m","generation":7}`))
	f.Add([]byte(`{"offsets":[{"topic":"\u0074","offset":9223372036854775808}]}`))
	f.Add([]byte(`{"offsets":[{"topic":"t","offset":-0,"metadata":"\ud800\ufffd"}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var commit commitBody
		err := commitMembers.Parse(body, &commit)
		items := commit.items
		if err != nil {
			if e, known := fault.Explain(err); !known || e.Kind.Status != 400 && e.Kind.Status != 422 {
				t.Fatalf("%q: %v", body, err)
			}
			return
		}
		for _, i := range items {
			if request.CheckName("topic", i.topic) != nil || i.partition < -1 || (i.offset < 0) == (i.at == "") || len(i.metadata) > 4*maxMetadata {
				t.Fatalf("%q: %+v", body, i)
			}
		}
	})
}

// FuzzGroupBodies reads any body of a join, and of a group's creation: what is taken is within bounds.
func FuzzGroupBodies(f *testing.F) {
	for _, body := range []string{`{"topics":["news"],"session_ms":30000}`, `{"start":"latest"}`, `{"topics":["..","news"]}`, `{"topics":[]}`,
		`{"session_ms":1e4}`, `{"start":"\ud800"}`, `{"topics":["news"],"topics":["x"]}`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		var join broker.MemberCall
		var group groupBody
		for _, err := range []error{memberMembers.Parse(body, &join), groupMembers.ParseLenient(body, &group)} {
			if e, known := fault.Explain(err); err != nil && (!known || e.Kind.Status != 400 && e.Kind.Status != 422) {
				t.Fatalf("%q: %v", body, err)
			}
		}
		if memberMembers.Parse(body, &broker.MemberCall{}) == nil {
			for _, topic := range join.Topics {
				if request.CheckName("topic", topic) != nil {
					t.Fatalf("%q: topic %q", body, topic)
				}
			}
			if ms := join.SessionMs; len(join.Topics) > broker.MaxMemberTopics || ms != 0 && (ms < fetch.MinSessionMs || ms > fetch.MaxSessionMs) {
				t.Fatalf("%q: %+v", body, join)
			}
		}
	})
}

// FuzzProduceHead reads any query and Idempotency-Key of a produce: what is taken is whole and within bounds.
func FuzzProduceHead(f *testing.F) {
	f.Add("partition=0&sync=true&return=offsets", `"k"`)
	f.Add("key=a%26b&timestamp=-15m", `"a\"b\\"`)
	f.Add("key_base64=AP/%2B", "k")
	f.Add("key=a&key_base64=AAAA", `"`)
	f.Add("partition=-0&return=x", "\xff")
	f.Fuzz(func(t *testing.T, query, key string) {
		for _, format := range []request.Format{request.JSON, request.Raw, request.Batches} {
			var q produceQuery
			if err := judgeProduce([]byte(query), format, &q); err != nil {
				if e, known := fault.Explain(err); !known || e.Kind.Status != 400 {
					t.Fatalf("%q: %v", query, err)
				}
				continue
			}
			if q.partition < -1 || format == request.Batches && q.partition < 0 || format != request.Raw && (q.key != nil || q.timestamp != 0) ||
				q.clock == recordbody.Ago && q.timestamp > 0 {
				t.Fatalf("%q: %+v", query, q)
			}
		}
		name, err := keyName([]byte(key))
		if err != nil {
			return
		}
		if len(name) == 0 || len(name) > mostKey || bytes.ContainsFunc([]byte(name), func(r rune) bool { return r < ' ' || r > '~' }) {
			t.Fatalf("%q became the key %q", key, name)
		}
		quoted, _ := json.Marshal(name)
		if again, err := keyName(quoted); err == nil && !bytes.ContainsAny(quoted, "&<>u") && again != name {
			t.Fatalf("%q in quotes became %q", name, again)
		}
	})
}
