package http

import (
	"testing"

	"flashq/http/fault"
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
