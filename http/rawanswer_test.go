package http

import (
	"fmt"
	"strings"
	"testing"
)

const octets = "application/octet-stream"

func (f *fixture) getRaw(path string) answer {
	f.Helper()
	return f.get(path, "Accept", octets)
}

// tells checks headers, given as name, value pairs; "-" is one that must not be there.
func (a answer) tells(t *testing.T, headers ...string) {
	t.Helper()
	for i := 0; i < len(headers); i += 2 {
		got := strings.Join(a.header.Values(headers[i]), "|")
		if _, there := a.header[headers[i]]; !there && a.header.Values(headers[i]) == nil {
			got = "-"
		}
		if got != headers[i+1] {
			t.Errorf("%s is %q, want %q", headers[i], got, headers[i+1])
		}
	}
}

func TestRawAnswers(t *testing.T) {
	f := start(t, Config{})
	f.createTopic("news", `{"partitions":2}`)
	f.produce("/topics/news/records?partition=1",
		`{"key":"u1","value_base64":"AAH/","timestamp":1000,"headers":[{"key":"Source","value":"a"},{"key":"x-n","value":""},{"key":"Source","value":"b"}]}`,
		`{"key_base64":"/w==","value":"","timestamp":1000}`,
		`{"key":"","value":null,"timestamp":1000,"headers":{"a":"b"}}`,
		`{"key":" u","value":"v"}`)
	a := f.getRaw("/topics/news/records?position=1:0").want(t, 200)
	if a.body != "\x00\x01\xff" {
		t.Errorf("%q", a.body)
	}
	a.tells(t, "Content-Type", octets, "Flashq-Partition", "1", "Flashq-Offset", "0",
		"Flashq-Timestamp", "1970-01-01T00:00:01.000Z", "Flashq-Key", "u1", "Flashq-Key-Base64", "-", "Flashq-Position", "0:0,1:1",
		"Flashq-Header-Source", "a|b", "Flashq-Header-X-N", "", "Flashq-Headers-Omitted", "-", "Flashq-Tombstone", "-")
	a = f.getRaw("/topics/news/records?partition=1&from_offset=1").want(t, 200)
	a.tells(t, "Flashq-Key", "-", "Flashq-Key-Base64", "/w==", "Content-Length", "0", "Flashq-Tombstone", "-", "Flashq-Position", "1:2")
	a = f.getRaw("/topics/news/records?partition=1&from_offset=2&max_records=1").want(t, 200)
	a.tells(t, "Flashq-Key", "", "Content-Length", "0", "Flashq-Tombstone", "true", "Flashq-Header-A", "b")
	f.getRaw("/topics/news/records?partition=1&from_offset=2&include_headers=false").tells(t, "Flashq-Header-A", "-")
	f.getRaw("/topics/news/records?partition=1&from_offset=3").tells(t, "Flashq-Key", "-", "Flashq-Key-Base64", "IHU=")
	none := f.getRaw("/topics/news/records?from_offset=latest").want(t, 204)
	none.tells(t, "Flashq-Position", "0:0,1:4", "Content-Type", "-", "Flashq-Offset", "-", "Content-Length", "-")
	f.getRaw("/topics/news/records?partition=1&from_offset=9").want(t, 204).tells(t, "Flashq-Beyond", "1:5")
	head := f.do("HEAD", "/topics/news/records?partition=1", "", "Accept", octets).want(t, 200)
	head.tells(t, "Flashq-Offset", "0", "Flashq-Key", "u1")
	f.do("HEAD", "/topics/news/records?partition=0", "", "Accept", octets).want(t, 204).tells(t, "Flashq-Position", "0:0")
}

// Whatever a record's headers are, they can't say anything but themselves, and what is left out is counted.
func TestRawAnswersCantBeForged(t *testing.T) {
	f := start(t, Config{MaxBodyBytes: 1 << 20})
	f.produce("/topics/news/records", `{"key":"k\r\nX-Evil: 1","value":"v","headers":{"a":"b\r\nX-Evil: 1","a\r\nX-Evil":"1",
		"b c":"1","":"1","a:b":"1","umlaut":"ä","blank":" x","blank2":"x ","tab":"a\tb","del":"\u007f","good":"a b: c"}}`)
	a := f.getRaw("/topics/news/records").want(t, 200)
	a.tells(t, "Flashq-Headers-Omitted", "10", "Flashq-Header-Good", "a b: c", "X-Evil", "-", "Flashq-Key-Base64", "aw0KWC1FdmlsOiAx")
	for name := range a.header {
		if strings.HasPrefix(name, "Flashq-Header-") && name != "Flashq-Header-Good" {
			t.Errorf("%s: %q", name, a.header[name])
		}
	}
	f.produce("/topics/null/records", `{"value":"v","headers":[{"key":"a","value_base64":"/w=="},{"key":"b","value":"1"}]}`)
	f.getRaw("/topics/null/records").tells(t, "Flashq-Headers-Omitted", "1", "Flashq-Header-B", "1")
}

// A record's head may be larger than what clients take for an answer's.
func TestRawAnswersHaveABoundedHead(t *testing.T) {
	f := start(t, Config{})
	var many, large []string
	for i := range 100 {
		many = append(many, fmt.Sprintf(`"h%d":"x"`, i))
		large = append(large, fmt.Sprintf(`"h%d":"%s"`, i, strings.Repeat("x", 1000)))
	}
	f.produce("/topics/news/records", `{"value":"many","headers":{`+strings.Join(many, ",")+`}}`,
		`{"key":"k","value":"large","headers":{`+strings.Join(large, ",")+`}}`)
	f.getRaw("/topics/news/records").tells(t, "Flashq-Headers-Omitted", "20", "Flashq-Header-H79", "x", "Flashq-Header-H80", "-")
	f.getRaw("/topics/news/records?from_offset=1").tells(t, "Flashq-Headers-Omitted", "36", "Flashq-Key", "k",
		"Flashq-Header-H63", strings.Repeat("x", 1000), "Flashq-Header-H64", "-")
}

func TestRawAnswersWorkForGroups(t *testing.T) {
	f := start(t, Config{})
	f.produce("/topics/news/records", `{"value":"a"}`, `{"value":"b"}`)
	query, got := "/topics/news/records?group=g&member=m&ack=", ""
	for position := ""; ; {
		a := f.getRaw(query + position)
		got += a.body
		if position = a.header.Get("FlashQ-Position"); a.status == 204 {
			break
		}
	}
	if got != "ab" {
		t.Error(got)
	}
	if got := f.get("/groups/g").want(t, 200).body; !strings.Contains(got, `"committed_offset":2`) {
		t.Error(got)
	}
}

func TestRawAnswersWait(t *testing.T) {
	f := start(t, Config{})
	f.createTopic("news", "")
	got := make(chan answer)
	go func() { got <- f.getRaw("/topics/news/records?timeout_ms=60000") }()
	eventually(t, "the fetch waits", func() bool { return f.s.bounds.waiters.Used() == 1 })
	f.produce("/topics/news/records", `{"value":"late"}`)
	if a := <-got; a.status != 200 || a.body != "late" {
		t.Errorf("%+v", a)
	}
}

func TestRawAnswersTellOfDamage(t *testing.T) {
	f := damaged(t)
	f.getRaw("/topics/news/records?partition=0&from_offset=3").wantError(t, 500, "corrupt_data")
	a := f.getRaw("/topics/news/records?position=0:3,1:0").want(t, 200)
	a.tells(t, "Flashq-Partition", "1", "Flashq-Position", "0:3,1:1")
	a = f.getRaw("/topics/news/records?position=0:3,1:1").want(t, 204)
	a.tells(t, "Flashq-Error", `[{"error":"corrupt_data","partition":0,"first_offset":3,"next_good_offset":4}]`)
}

func TestRawAnswersRefuseWhatTheyCantGive(t *testing.T) {
	f := start(t, Config{})
	f.produce("/topics/news/records", `{"value":"a"}`)
	for query, parameter := range map[string]string{"max_records=2": "max_records", "encoding=text": "encoding"} {
		details := f.getRaw("/topics/news/records?"+query).wantError(t, 400, "invalid_parameter")
		if details["parameter"] != parameter {
			t.Error(query, details)
		}
	}
}
