package hostile

import (
	"fmt"
	"math/rand/v2"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// grammar makes requests at random: valid ones of every route, which are then spoiled at some of their levels, or not.
type grammar struct{ *rand.Rand }

// request is one before it is bytes. Headers are whole lines.
type request struct {
	method, path string
	query        []string // name=value
	headers      []string
	kind, body   string // kind: "" is no body
	chunked      bool
}

func (g grammar) pick(from ...string) string { return from[g.IntN(len(from))] }

// oneIn is true once in so many times.
func (g grammar) oneIn(n int) bool { return g.IntN(n) == 0 }

func (g grammar) topic() string  { return g.pick("news", "news", "a", "b", "c.d", "e_f-1") }
func (g grammar) group() string  { return g.pick("g", "g", "h", "i.j") }
func (g grammar) member() string { return g.pick("m", "n", "o") }
func (g grammar) number() string { return strconv.Itoa(g.IntN(20)) }

// valid is a request that the contract has an answer for, good or bad.
func (g grammar) valid() request {
	r := [...]func() request{
		g.produce, g.produce, g.produce, g.fetch, g.fetch, g.fetch, g.groupFetch, g.groupFetch, g.topics, g.groups, g.commit, g.alias, g.other,
	}[g.IntN(13)]()
	if g.oneIn(8) {
		r.headers = append(r.headers, g.pick("Accept-Encoding: zstd", "Accept-Encoding: gzip", "Accept: */*", "Origin: http://localhost",
			"X-Request-Id: mine", "Expect: 100-continue", "User-Agent: Mozilla/5.0", "Cookie: a=b; c=d"))
	}
	r.chunked = r.kind != "" && g.oneIn(4)
	return r
}

func (g grammar) produce() request {
	r := request{method: "POST", path: "/topics/" + g.topic() + "/records"}
	switch g.IntN(5) {
	case 0:
		r.kind, r.body = typeLines, strings.Join(g.records(), "\n")
	case 1:
		r.kind, r.body = "text/plain", strings.Repeat("x", g.IntN(3000))
		r.query = append(r.query, "key=k"+g.number())
		r.headers = append(r.headers, "FlashQ-Header-a: "+g.number())
	case 2:
		r.kind, r.body = typeKafka, recordBatch(func(b *fields) {
			if g.oneIn(2) {
				b.producer, b.epoch, b.sequence = int64(g.IntN(3)), int16(g.IntN(2)), int32(g.IntN(3))
			}
			if g.oneIn(3) {
				b.attributes, b.records = 4, zstded(one)
			}
		})
		r.query = append(r.query, "partition=0")
	default:
		r.kind, r.body = typeJSON, `{"records":[`+strings.Join(g.records(), ",")+`]}`
	}
	if g.oneIn(4) {
		r.headers = append(r.headers, "Idempotency-Key: key-"+g.number())
	}
	if g.oneIn(4) {
		r.query = append(r.query, g.pick("sync=true", "return=offsets"))
	}
	switch g.IntN(8) {
	case 0:
		r.body, r.headers = gzipped(r.body), append(r.headers, "Content-Encoding: gzip")
	case 1:
		r.body, r.headers = zstded(r.body), append(r.headers, "Content-Encoding: zstd")
	}
	return r
}

func (g grammar) records() []string {
	all := make([]string, 1+g.IntN(8))
	for i := range all {
		members := []string{g.pick(`"value":"x"`, `"value":null`, `"value":{"a":[1,2.5e3,true]}`, `"value_base64":"/w=="`, `"value":"\ud83d\ude00\n"`,
			`"value":"`+strings.Repeat("y", g.IntN(2000))+`"`)}
		if g.oneIn(2) {
			members = append(members, `"key":"k`+g.number()+`"`)
		}
		if g.oneIn(4) {
			members = append(members, g.pick(`"headers":{"a":"b"}`, `"headers":[{"key":"a","value_base64":"/w=="}]`, `"partition":0`, `"timestamp":1000`))
		}
		all[i] = "{" + strings.Join(members, ",") + "}"
	}
	return all
}

func (g grammar) position() string {
	return g.pick("", "g"+g.number()+";") + "0:" + g.number() + g.pick("", ",1:"+g.number())
}

func (g grammar) fetch() request {
	r := request{method: g.pick("GET", "GET", "GET", "HEAD"), path: "/topics/" + g.topic() + "/records"}
	start := []string{"from_offset=" + g.number(), "from_offset=-" + g.number(), "from_offset=latest", "from_time=-1h", "position=" + g.position(),
		"from_time=2026-01-15T10:00:00Z"}
	more := []string{"max_records=" + g.number(), "max_bytes=1000", "timeout_ms=" + g.number(), "min_bytes=5", "partition=0", "encoding=json",
		"encoding=base64", "include_headers=false", "to_time=-1m"}
	if g.oneIn(2) {
		r.query = append(r.query, g.pick(start...))
	}
	for range g.IntN(4) {
		r.query = append(r.query, g.pick(more...))
	}
	if g.oneIn(2) {
		r.headers = append(r.headers, "Accept: "+g.pick(typeJSON, typeLines, typeOctets, typeKafka, typeEvents))
	}
	if g.oneIn(8) {
		r.headers = append(r.headers, "Last-Event-ID: "+g.position())
	}
	if g.oneIn(8) {
		r.query = append(r.query, "follow=true")
	}
	return r
}

func (g grammar) groupFetch() request {
	r := g.fetch()
	r.query = append(r.query, "group="+g.group())
	if g.oneIn(2) {
		r.query = append(r.query, "member="+g.member(), g.pick("session_ms=1000", "session_ms=300000"))
	}
	if g.oneIn(2) {
		r.query = append(r.query, "ack="+g.position())
	}
	return r
}

func (g grammar) topics() request {
	topic := "/topics/" + g.topic()
	switch g.IntN(8) {
	case 0:
		return request{method: "DELETE", path: topic}
	case 1:
		return request{method: "GET", path: "/topics", query: []string{g.pick("detail=true", "limit="+g.number(), "after="+g.topic())}}
	case 2:
		return request{method: "GET", path: topic + "/offsets", query: []string{"at=" + g.pick("earliest", "latest", "-1h", "2026-01-15")}}
	case 3:
		return request{method: "GET", path: topic}
	default:
		return request{method: "PUT", path: topic, kind: typeJSON,
			body: g.pick("{}", `{"partitions":2}`, `{"partitions":3,"segment_bytes":1024}`, `{"retention_ms":1000}`, `{"retention_bytes":5000,"segment_ms":1000}`)}
	}
}

func (g grammar) groups() request {
	group := "/groups/" + g.group()
	member := group + "/members/" + g.member()
	switch g.IntN(8) {
	case 0:
		return request{method: "DELETE", path: group, query: []string{"force=" + g.pick("true", "false")}}
	case 1:
		return request{method: "DELETE", path: member}
	case 2:
		return request{method: "GET", path: g.pick("/groups", group)}
	case 3:
		return request{method: "GET", path: group + "/offsets", query: []string{"topic=" + g.topic()}}
	case 4:
		return request{method: "PUT", path: group, kind: typeJSON, body: g.pick("", `{"start":"latest"}`, `{"start":"earliest"}`)}
	default:
		return request{method: "PUT", path: member, kind: typeJSON, body: g.pick("", `{"topics":["news"]}`, `{"topics":["a","b"],"session_ms":1000}`)}
	}
}

func (g grammar) commit() request {
	item := fmt.Sprintf(`{"topic":%q,%s}`, g.topic(), g.pick(`"partition":0,"offset":1`, `"at":"earliest"`, `"at":"-1h","metadata":"x"`, `"offset":`+g.number()))
	by := g.pick("", "", `"member":"m","generation":`+g.number()+",")
	return request{method: "POST", path: "/groups/" + g.group() + "/offsets", query: []string{g.pick("dry_run=true", "force=true")}, kind: typeJSON,
		body: `{` + by + `"offsets":[` + item + `]}`}
}

func (g grammar) alias() request {
	topic := "/consumer/" + g.group() + "/topic/" + g.topic()
	switch g.IntN(6) {
	case 0:
		return request{method: "POST", path: "/consumer/" + g.group(), kind: typeJSON, body: `{"group_id":"g"}`}
	case 1:
		return request{method: "DELETE", path: "/consumer/" + g.group()}
	case 2:
		return request{method: "GET", path: topic + "/record/time", query: []string{"from_time=-1h"}}
	case 3:
		return request{method: "POST", path: topic + "/offset", kind: typeJSON, body: `{"offset":` + g.number() + `,"metadata":"x"}`}
	case 4:
		return request{method: "POST", path: "/topic/" + g.topic() + "/record", kind: typeJSON, body: `{"records":[` + strings.Join(g.records(), ",") + `]}`}
	default:
		return request{method: "GET", path: topic + g.pick("/record/offset", "/offset")}
	}
}

func (g grammar) other() request {
	return request{method: g.pick("GET", "GET", "OPTIONS", "HEAD", "PATCH"), path: g.pick("/", "/health", "/ready", "/topics", "/metrics", "/stats",
		"/openapi.json", "/nowhere", "/topics/news/records")}
}

// nasty are pieces that somebody should have escaped, bounded or refused.
var nasty = []string{
	"", "0", "-0", "-1", "1e3", "+1", "0x10", "9223372036854775807", "9223372036854775808", "18446744073709551617", "NaN", "null", "true", "[]", "{}",
	"..", "%2e%2e", "%00", "%2f", "%c0%ae", "%", "%zz", "__consumer_offsets", "-x", "a b", "a+b", "ü", "\xff", "\x00", "\r", "\n", "\r\n", "\r\n\r\n", "\t",
	":", ";", ",", "=", "&", "?", "#", "/", "\"", "\\", "\\ud800", "*", "'", "<script>", "g7;0:1", "0:1,0:2", "0:-1", "chunked", "identity", "gzip",
	"Content-Length: 5", "Transfer-Encoding: chunked", "0\r\n\r\n", "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n", "HTTP/1.1",
	strings.Repeat("9", 400), strings.Repeat("[", 2000), strings.Repeat("x", 300), strings.Repeat("x", 20_000),
}

func (g grammar) nasty() string { return nasty[g.IntN(len(nasty))] }

// spoil changes a request at one of its levels.
func (g grammar) spoil(r *request) {
	switch g.IntN(9) {
	case 0:
		r.method = g.pick("GET", "PUT", "POST", "DELETE", "HEAD", "PATCH", "get", "CONNECT", g.nasty())
	case 1:
		parts := strings.Split(r.path, "/")
		parts[g.IntN(len(parts))] = g.nasty()
		r.path = strings.Join(parts, "/")
	case 2:
		if len(r.query) > 0 {
			i := g.IntN(len(r.query))
			name, _, _ := strings.Cut(r.query[i], "=")
			r.query[i] = name + "=" + url.QueryEscape(g.nasty())
		}
	case 3:
		r.query = append(r.query, g.pick("max_record=5", "group=g", "member=m", "ack=0:1", "position=0:1", "access_token=secret", "partition=7", g.nasty()))
	case 4:
		r.headers = append(r.headers, g.pick("Content-Length: 5", "Content-Length: 0", "Transfer-Encoding: chunked", "Transfer-Encoding: identity",
			"Content-Type: text/plain", "Content-Encoding: gzip", "Host: localhost", "Host: evil", "Origin: null", "Connection: close", "Expect: x",
			"Idempotency-Key: a", "Accept: image/png", "Last-Event-ID: x", "X: "+g.nasty(), g.nasty()+": x", g.nasty()))
	case 5:
		r.kind = g.pick(typeJSON, typeLines, typeKafka, "text/plain", "image/png", g.nasty())
	case 6:
		r.body = g.bend(r.body)
	case 7:
		r.body = g.pick(`{"records":[]}`, "{", "[]", "null", strings.Repeat("[", 5000), `{"records":[{"value":`+g.nasty()+`}]}`, g.nasty())
	case 8:
		r.chunked = !r.chunked
	}
}

// bend changes some bytes of a text.
func (g grammar) bend(text string) string {
	if text == "" {
		return g.nasty()
	}
	at := g.IntN(len(text))
	end := at + g.IntN(len(text)-at+1)
	switch g.IntN(5) {
	case 0:
		return text[:at]
	case 1:
		return text[:at] + string([]byte{byte(g.IntN(256))}) + text[min(at+1, len(text)):]
	case 2:
		return text[:at] + text[end:]
	case 3:
		return text[:end] + text[at:]
	default:
		return text[:at] + g.nasty() + text[at:]
	}
}

// bytes are what is sent.
func (g grammar) bytes(r request) string {
	target := r.path
	if len(r.query) > 0 {
		target += "?" + strings.Join(r.query, "&")
	}
	headers := r.headers
	body := r.body
	switch {
	case r.kind == "" && body == "":
	case r.chunked:
		at := g.IntN(len(body) + 1)
		headers = append(headers, "Content-Type: "+r.kind, "Transfer-Encoding: chunked")
		body = chunks(slices.DeleteFunc([]string{body[:at], body[at:]}, func(part string) bool { return part == "" })...)
	default:
		headers = append(headers, "Content-Type: "+r.kind, "Content-Length: "+strconv.Itoa(len(body)))
	}
	return bodiless(r.method, target, headers...) + body
}
