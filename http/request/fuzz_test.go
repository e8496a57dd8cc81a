package request

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"math"
	nethttp "net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/valyala/fasthttp"

	"flashq/http/fault"
	"flashq/http/schema"
)

// FuzzHead reads any bytes as a request's head: where net/http takes what is taken here, both see the same body, the same
// host and the same type.
func FuzzHead(f *testing.F) {
	const line = "POST /topics/news/records HTTP/1.1\r\nHost: a\r\n"
	for _, head := range []string{
		"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "GET http://b/#x HTTP/1.0\r\n\r\n", "\r\nHEAD /a?b=c HTTP/1.2\nHost: a\r\n\r\n",
		line + "Content-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello", line + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		line + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", line + "Content-Length: 5\r\nContent-Length: 5\r\n\r\n",
		line + "Transfer-Encoding: identity\r\n\r\n", line + "X: a\r\n Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n",
		line + "Content-Length: 05\r\nContent-Type: a/b\r\nContent-Type: c/d\r\n\r\n", line + "Content-Length : 5\r\n\r\n",
		line + "Cookie: a=b\r\nCookie: c\r\nConnection: close, x\r\nTrailer: Y\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n",
		line + "Idempotency-Key: a\r\nFlashQ-Header-a: b\r\nAccept: x\r\nAccept: y\r\nLast-Event-ID: 0:1\r\n\r\n",
	} {
		f.Add([]byte(head))
	}
	f.Fuzz(func(t *testing.T, head []byte) {
		var r fasthttp.RequestHeader
		if r.Read(bufio.NewReaderSize(bytes.NewReader(head), 16<<10)) != nil {
			return
		}
		var ours Head
		if err := ours.Read(&r); err != nil {
			if e, known := fault.Explain(err); !known || e.Kind != fault.InvalidRequest {
				t.Fatalf("%q: %v", head, err)
			}
			return
		}
		theirs, err := nethttp.ReadRequest(bufio.NewReader(bytes.NewReader(head)))
		if err != nil {
			return
		}
		if length := max(int64(r.ContentLength()), -1); length != theirs.ContentLength && r.ContentLength() != -2 ||
			r.ContentLength() == -2 && theirs.ContentLength != 0 {
			t.Fatalf("%q: a body of %d, and of %d to net/http", head, r.ContentLength(), theirs.ContentLength)
		}
		if types := theirs.Header["Content-Type"]; len(types) > 1 || len(types) == 1 && types[0] != string(ours.ContentType) {
			t.Fatalf("%q: type %q, and %q to net/http", head, ours.ContentType, types)
		}
		if len(theirs.Header["Idempotency-Key"]) > 1 || strings.HasPrefix(theirs.RequestURI, "/") && theirs.Host != string(ours.Host) {
			t.Fatalf("%q: host %q, and %q to net/http", head, ours.Host, theirs.Host)
		}
	})
}

// FuzzName takes any segment of a path as a name: what is taken is one name of a folder within its folder.
func FuzzName(f *testing.F) {
	for _, name := range []string{
		"news", "..", "%2e%2e", "a%2fb", "a%00", "%c0%ae", "__x", "-x", "%2dx", "a%", "%zz", "nüws", strings.Repeat("n", 250), "COM1", "a.b",
	} {
		f.Add(name)
	}
	f.Fuzz(func(t *testing.T, segment string) {
		name, err := PathName("topic", segment)
		if err != nil {
			if e, known := fault.Explain(err); !known || e.Kind != fault.OutOfRange || len(e.Message) > 1000 {
				t.Fatalf("%q: %v", segment, err)
			}
			return
		}
		if len(name) > MaxTopicName || !filepath.IsLocal(name+"-0") || filepath.Base(name+"-0") != name+"-0" || strings.HasPrefix(name, "__") ||
			url.PathEscape(name) != name || strings.Contains(name, "..") || strings.HasPrefix(name, "-") {
			t.Fatalf("%q became the name %q", segment, name)
		}
		if again, err := PathName("topic", name); err != nil || again != name {
			t.Fatalf("%q became %q, then %q: %v", segment, name, again, err)
		}
	})
}

// FuzzParams walks any query: what is taken says what net/url reads, each name once.
func FuzzParams(f *testing.F) {
	got := map[string]string{}
	var params Params[int]
	for _, name := range []string{"a", "b", "max_records"} {
		params = append(params, Param[int]{Name: name, Set: func(_ *int, v Value) error {
			got[v.Name] = string(v.Text)
			return nil
		}})
	}
	for _, query := range []string{"a=1&b=2", "a", "a=1&a=2", "%61=+%2B", "&&", "=x", "a;b", "a=%", "max_record=5", "A=1", "a=1#b"} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		clear(got)
		if err := params.Parse([]byte(query), new(int)); err != nil {
			if e, known := fault.Explain(err); !known || e.Kind != fault.InvalidParameter || len(e.Message) > 1000 {
				t.Fatalf("%q: %v", query, err)
			}
			return
		}
		values, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		delete(values, "")
		for name, all := range values {
			if text, given := got[name]; !given || len(all) != 1 || all[0] != text {
				t.Fatalf("%q: %s is %q, and %q to net/url", query, name, text, all)
			}
		}
		if len(values) != len(got) {
			t.Fatalf("%q: %q, and %q to net/url", query, got, values)
		}
	})
}

var digits = regexp.MustCompile(`^[0-9]{1,19}$`)

// FuzzNumbers reads any text as a number, a list of partitions and a time.
func FuzzNumbers(f *testing.F) {
	for _, text := range []string{"0", "-0", "+1", "1e3", "0x1", "9223372036854775807", "9223372036854775808", "1_0", "٣", "0,2,2", ",",
		"-15m", "-2h30m", "1768471201", "1768471201000", "2026-01-15", "2026-01-15T10:00:00 01:00", "-99999999999d"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		want, err := strconv.ParseInt(text, 10, 64)
		good := err == nil && digits.MatchString(text)
		if n, ok := Digits([]byte(text)); ok != good || ok && n != want {
			t.Fatalf("%q is %d, %v", text, n, ok)
		}
		v := Value{Name: "n", Type: schema.Int(5, 500), Text: []byte(text), Now: 1_800_000_000_000}
		if n, err := v.Int(); err == nil && (!good || int64(n) != want || n < 5 || n > 500) {
			t.Fatalf("%q is %d", text, n)
		}
		if list, err := v.Partitions(); err == nil {
			sorted := slices.Compact(slices.Sorted(slices.Values(list)))
			if len(list) == 0 || len(sorted) != len(list) || sorted[0] < 0 || list[len(list)-1] > math.MaxInt32 {
				t.Fatalf("%q is %v", text, list)
			}
		}
		if millis, err := v.Time(); err == nil && (good && millis != want || strings.HasPrefix(text, "-") && millis > v.Now) {
			t.Fatalf("%q is %d", text, millis)
		}
	})
}

// FuzzToken reads any position with or without a generation, as `position=`, `ack=` and an event's id carry it.
func FuzzToken(f *testing.F) {
	for _, token := range []string{"0:15,2:7", "g7;0:15", "g7;", "g;", "g-1;0:1", "g7", "0:1,0:2", "g9223372036854775808;0:1", ""} {
		f.Add(token)
	}
	f.Fuzz(func(t *testing.T, token string) {
		generation, marks, ok := ParseToken([]byte(token))
		if !ok {
			return
		}
		var text []byte
		if generation != NoGeneration {
			text = append(strconv.AppendInt([]byte("g"), generation, 10), ';')
		}
		start := len(text)
		for i, m := range marks {
			text = AppendMark(text, start, m.Partition, m.Offset)
			if i > 0 && m.Partition <= marks[i-1].Partition {
				t.Fatalf("%q: partition %d after %d", token, m.Partition, marks[i-1].Partition)
			}
		}
		again, sameMarks, ok := ParseToken(text)
		if !ok || again != generation || !slices.Equal(marks, sameMarks) || generation < NoGeneration || len(text) > len(token) {
			t.Fatalf("%q became %q", token, text)
		}
	})
}

// FuzzContentType takes any type and coding of a body: what is taken is one of those that are.
func FuzzContentType(f *testing.F) {
	f.Add("application/json; charset=utf-8", "gzip")
	f.Add("Text/Plain;charset=\"us-ascii\";q", " X-GZIP ")
	f.Add("application/vnd.kafka.recordbatch.v2;;=", "gzip, zstd")
	f.Add("multipart/form-data; boundary=x", "identity")
	f.Fuzz(func(t *testing.T, contentType, encoding string) {
		format, err := BodyFormat([]byte(contentType), RecordBodies)
		media, _, _ := strings.Cut(contentType, ";")
		isIt := func(m Media) bool { return m.Format == format && strings.EqualFold(m.Name, strings.TrimSpace(media)) }
		if err == nil && !slices.ContainsFunc(RecordBodies, isIt) {
			t.Fatalf("%q was taken as %v", contentType, format)
		}
		coding, wrong := BodyCoding([]byte(encoding))
		if wrong == nil && !slices.Contains([]string{"", "gzip", "zstd"}, coding) {
			t.Fatalf("%q was taken as %q", encoding, coding)
		}
		for _, err := range []error{err, wrong} {
			if e, known := fault.Explain(err); err != nil && (!known || e.Kind != fault.UnsupportedMediaType || len(e.Message) > 1000) {
				t.Fatalf("%q %q: %v", contentType, encoding, err)
			}
		}
	})
}

// FuzzObject takes any body apart as an object: what is taken is what encoding/json reads, and its strings and lists are
// what the strict json/v2 reads.
func FuzzObject(f *testing.F) {
	for _, body := range []string{`{"a":1,"b":[1,2]}`, `{"a":1,"a":2}`, `{"\u0061":1,"a":2}`, `[]`, `{`, `{"a":"\ud800"}`, `{"a":"\ufffd"}`,
		"\xef\xbb\xbf{}", `{"a":[[],"[,]",{"b":[1,2]}]}`, `{"":null}`, `{"a":"\ud83d\ude00"}`, `{"a":[1,]}`, `{"a":"` + "\xff" + `"}`} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		fields, err := SplitObject(body)
		if valid := utf8.Valid(body) && json.Valid(body); err != nil {
			var e *fault.Error
			if !errors.As(err, &e) || valid == (e.Kind == fault.InvalidJSON) || !valid && e.Kind != fault.InvalidJSON {
				t.Fatalf("%q: %v", body, err)
			}
			return
		}
		var want map[string]json.RawMessage
		if err := json.Unmarshal(body, &want); err != nil || !maps.EqualFunc(fields, want, func(a, b json.RawMessage) bool { return bytes.Equal(a, b) }) {
			t.Fatalf("%q: %q, and %q to encoding/json: %v", body, fields, want, err)
		}
		for name, raw := range fields {
			var text string
			strict := jsonv2.Unmarshal(raw, &text)
			if got, err := String(name, raw); (err == nil) != (strict == nil && raw[0] == '"') || err == nil && got != text {
				t.Fatalf("%s is %q, %v, and %q, %v to json/v2", raw, got, err, text, strict)
			}
			var items []json.RawMessage
			if list, err := List(name, raw, 5, "%d"); err == nil && (json.Unmarshal(raw, &items) != nil || len(items) != len(list) || len(items) > 5) {
				t.Fatalf("%s is a list of %d", raw, len(list))
			}
		}
	})
}
