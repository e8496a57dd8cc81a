package hostile

import (
	"strconv"
	"strings"
	"testing"
)

// Each limit: what is just within it is taken, and one more is not.
func TestSizes(t *testing.T) {
	var rows []row
	limit := func(name string, most, stores int, status int, code string, send func(n int) string) {
		within := row{name: name + " at the limit", send: send(most), status: 200, stores: stores}
		above := row{name: name + " above the limit", send: send(most + 1), status: status, code: code}
		rows = append(rows, within, above)
	}
	x := func(n int) string { return strings.Repeat("x", n) }
	padded := func(body string, n int) string { return body + strings.Repeat(" ", n-len(body)) }
	const member = "validation_error"
	record := func(text string) string { return produce(`{"records":[` + text + `]}`) }
	limit("a key", 1024, 1, 400, member, func(n int) string { return record(`{"key":"` + x(n) + `","value":""}`) })
	limit("a key of escapes", 1024, 1, 400, member, func(n int) string {
		return record(`{"key":"` + strings.Repeat(`\u0041`, n) + `","value":""}`)
	})
	limit("a key of raw text", 1024, 1, 400, member, func(n int) string { return with("POST", records+"?key="+x(n), "text/plain", "") })
	limit("a value", 1<<20, 1, 400, member, func(n int) string { return record(`{"value":"` + x(n) + `"}`) })
	limit("a value of raw text", 1<<20, 1, 400, member, func(n int) string { return with("POST", records, "text/plain", x(n)) })
	limit("a value in lines", 1<<20, 1, 400, member, func(n int) string { return with("POST", records, typeLines, `{"value":"`+x(n)+`"}`) })
	limit("a value of JSON", 1<<20, 1, 400, member, func(n int) string { return record(`{"value":["` + x(n-4) + `"]}`) })
	limit("a header's value", 1024, 1, 400, member, func(n int) string { return record(`{"value":"","headers":{"a":"` + x(n) + `"}}`) })
	limit("a header's name", 1024, 1, 400, member, func(n int) string { return record(`{"value":"","headers":{"` + x(n) + `":""}}`) })
	limit("a raw header's value", 1024, 1, 400, member, func(n int) string {
		return with("POST", records, "text/plain", "", "FlashQ-Header-a: "+x(n))
	})
	limit("headers", 100, 1, 400, member, func(n int) string {
		return record(`{"value":"","headers":[` + strings.Repeat(`{"key":"a","value":""},`, n-1) + `{"key":"a","value":""}]}`)
	})
	limit("records", 1000, 1000, 400, member, func(n int) string { return record(strings.Repeat(`{"value":""},`, n-1) + `{"value":""}`) })
	limit("a body", 16<<20, 1, 413, "body_too_large", func(n int) string { return produce(padded(goodBody, n)) })
	limit("a body in chunks", 16<<20, 1, 413, "body_too_large", func(n int) string {
		body := padded(goodBody, n)
		return framed("Transfer-Encoding: chunked\r\n", chunks(body[:10], body[10:n/2], body[n/2:]))
	})
	limit("an Idempotency-Key", 128, 1, 400, member, func(n int) string {
		return with("POST", records, "text/plain", "", "Idempotency-Key: "+x(n))
	})
	limit("a head", 16<<10, 0, 431, "headers_too_large", func(n int) string {
		head := get("/health", "X: ")
		return get("/health", "X: "+x(n-len(head)))
	})
	limit("max_records", 10000, 0, 400, "invalid_parameter", func(n int) string { return get(records + "?max_records=" + strconv.Itoa(n)) })
	limit("max_bytes", 16<<20, 0, 400, "invalid_parameter", func(n int) string { return get(records + "?max_bytes=" + strconv.Itoa(n)) })
	limit("timeout_ms", 60000, 0, 400, "invalid_parameter", func(n int) string { return get(records + "?timeout_ms=" + strconv.Itoa(n)) })
	limit("a limit", 10000, 0, 400, "invalid_parameter", func(n int) string { return get("/topics?limit=" + strconv.Itoa(n)) })
	commit := func(item string, more string) string {
		return with("POST", "/groups/g/offsets?dry_run=true", typeJSON, `{"offsets":[{"topic":"news","partition":0,"offset":2,`+item+`}]}`+more)
	}
	limit("metadata", 1024, 0, 400, member, func(n int) string { return commit(`"metadata":"`+strings.Repeat("ü", n)+`"`, "") })
	limit("a commit", 4_000_000, 0, 413, "body_too_large", func(n int) string {
		body := `{"offsets":[{"topic":"news","partition":0,"offset":2}]}`
		return with("POST", "/groups/g/offsets?dry_run=true", typeJSON, padded(body, n))
	})
	limit("a topic's body", 64<<10, 0, 413, "body_too_large", func(n int) string {
		return with("PUT", "/topics/news", typeJSON, padded(`{}`, n))
	})
	limit("a group's body", 64<<10, 0, 413, "body_too_large", func(n int) string {
		return with("PUT", "/groups/g", typeJSON, padded(`{"start":"earliest"}`, n))
	})
	name := func(what, target string, most int, code string, then string) {
		rows = append(rows,
			row{name: what + " at the limit", send: get(target + x(most) + then), status: 404, code: code},
			row{name: what + " above the limit", send: get(target + x(most+1) + then), status: 400, code: member})
	}
	name("a topic's name", "/topics/", 249, "topic_not_found", "")
	name("a topic's name on another way", "/topics/", 249, "topic_not_found", "/records")
	name("a group's name", "/groups/", 255, "group_not_found", "")
	rows = append(rows,
		row{name: "256 partitions", send: with("PUT", "/topics/wide", typeJSON, `{"partitions":256}`), status: 201, changes: true},
		row{name: "257 partitions", send: with("PUT", "/topics/wider", typeJSON, `{"partitions":257}`), status: 400, code: member},
		row{name: "a session of 999 ms", send: with("PUT", "/groups/g/members/m", typeJSON, `{"topics":["news"],"session_ms":999}`), status: 400, code: member},
		row{name: "a session of 300001 ms", send: with("PUT", "/groups/g/members/m", typeJSON, `{"topics":["news"],"session_ms":300001}`), status: 400, code: member},
	)
	hit(t, rows)
}
