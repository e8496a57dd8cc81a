package http

import (
	"testing"

	"github.com/valyala/fasthttp"
)

// FuzzFetchQuery reads any query: never a panic, a refusal is one of the contract's, and what is taken is within bounds.
func FuzzFetchQuery(f *testing.F) {
	for _, query := range []string{
		"", "from_offset=-5&max_records=10", "from_time=-2h30m&to_time=2026-01-15T10:00:00 01:00", "position=g7;0:15,2:7",
		"group=g&ack=0:1,1:2&session_ms=5", "partition=0,2,2&encoding=base64&include_headers=false", "follow=true",
		"max_records=0", "from_offset=1&from_offset=2", "%6dax_records=5&&=&a", "min_bytes=5&max_bytes=4&timeout_ms=60000",
	} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		var ctx fasthttp.RequestCtx
		ctx.Request.SetRequestURI("/topics/t/records")
		ctx.Request.URI().SetQueryString(query)
		q, err := parseFetchQuery(&ctx, fetchParams)
		if err != nil {
			if e, known := explain(err); !known || e.status != 400 {
				t.Fatalf("%q: %v", query, err)
			}
			return
		}
		if q.maxRecords < 1 || q.maxRecords > maxFetchRecords || q.maxBytes < 1 || q.maxBytes > maxFetchBytes ||
			q.minBytes < 1 || q.minBytes > q.maxBytes || q.timeout < 0 || q.offset < 0 {
			t.Fatalf("%q: %+v", query, q)
		}
		if q.group != "" && badName(q.group, maxGroupName) != "" {
			t.Fatalf("%q: group %q", query, q.group)
		}
		for _, m := range append(q.marks, q.ack...) {
			if m.partition < 0 || m.offset < 0 {
				t.Fatalf("%q: %+v", query, m)
			}
		}
	})
}

// FuzzCommit reads any body of a commit: never a panic, and every item that is taken says exactly one place.
func FuzzCommit(f *testing.F) {
	f.Add([]byte(`{"offsets":[{"topic":"news","partition":0,"offset":15,"metadata":"batch 42"},{"topic":"news","at":"-1h"}]}`))
	f.Add([]byte(`{"offsets":[{"topic":"t","at":1700000000000}],"member":"m","generation":7}`))
	f.Add([]byte(`{"offsets":[{"topic":"\u0074","offset":9223372036854775808}]}`))
	f.Add([]byte(`{"offsets":[{"topic":"t","offset":-0,"metadata":"\ud800\ufffd"}]}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		fields, err := splitObject(body)
		var items []commitItem
		if err == nil {
			items, err = parseCommitItems(fields["offsets"])
		}
		if err != nil {
			if e, known := explain(err); !known || e.status != 400 && e.status != 422 {
				t.Fatalf("%q: %v", body, err)
			}
			return
		}
		for _, i := range items {
			if badName(i.topic, maxTopicName) != "" || i.partition < -1 || i.offset < 0 || len(i.metadata) > 4*maxMetadata {
				t.Fatalf("%q: %+v", body, i)
			}
		}
	})
}
