package http

import (
	"strings"
	"testing"
)

const oneRecord = `{"records":[{"value":"a"}]}`

func TestContentTypes(t *testing.T) {
	f := start(t, Config{})
	for contentType, status := range map[string]int{
		"application/json":                     200,
		"Application/JSON":                     200,
		"application/json; charset=utf-8":      200,
		`application/json;charset="UTF-8"`:     200,
		"application/json; profile=x":          200,
		"application/json; charset=latin1":     415,
		"application/x-www-form-urlencoded":    415,
		"application/octet-stream":             200,
		"text/plain":                           200,
		"text/plain; charset=us-ascii":         200,
		"text/plain; charset=latin1":           415,
		"text/html":                            415,
		"application/vnd.kafka.recordbatch.v3": 415,
		"multipart/form-data; boundary=x":      415,
		"application/jsonx":                    415,
	} {
		a := f.do("POST", "/topics/news/records", oneRecord, "Content-Type", contentType).want(t, status)
		if status == 415 {
			a.wantError(t, 415, "unsupported_media_type")
		}
	}
	for _, contentType := range []string{"application/x-ndjson", "application/jsonl"} {
		f.do("POST", "/topics/news/records", `{"value":"a"}`, "Content-Type", contentType).want(t, 200)
	}
}

func TestUnsupportedMediaTellsWhatToSend(t *testing.T) {
	f := start(t, Config{})
	missing := f.do("POST", "/topics/news/records", oneRecord)
	missing.wantError(t, 415, "unsupported_media_type")
	curl := f.do("POST", "/topics/news/records", oneRecord, "Content-Type", "application/x-www-form-urlencoded")
	curl.wantError(t, 415, "unsupported_media_type")
	if !strings.Contains(missing.body, "application/x-ndjson") ||
		!strings.Contains(curl.body, "-H 'Content-Type: application/json'") {
		t.Error(missing.body, curl.body)
	}
	f.get("/topics/news").wantError(t, 404, "topic_not_found") // nothing was made on the way
}

func TestAcceptPicksTheFormat(t *testing.T) {
	f := start(t, Config{})
	f.produce("/topics/news/records", `{"value":"a"}`)
	for accept, want := range map[string]string{
		"*/*":                             "application/json",
		"application/*":                   "application/json",
		"application/json":                "application/json",
		"application/x-ndjson":            "application/x-ndjson",
		"application/jsonl":               "application/jsonl",
		"APPLICATION/X-NDJSON":            "application/x-ndjson",
		"application/x-ndjson, */*":       "application/x-ndjson",
		"application/x-ndjson;q=0.5, */*": "application/json",
		"application/json;q=0.1, application/x-ndjson;q=0.2": "application/x-ndjson",
		"application/json;q=0, */*":                          "application/x-ndjson",
		"text/html, */*;q=0.8":                               "application/json",
		"text/event-stream, application/json":                "application/json",
		"application/octet-stream":                           "application/octet-stream",
		"application/octet-stream, */*;q=0.8":                "application/octet-stream",
		"application/vnd.kafka.recordbatch.v2":               "application/vnd.kafka.recordbatch.v2",
	} {
		if got := f.get("/topics/news/records", "Accept", accept).want(t, 200).header.Get("Content-Type"); got != want {
			t.Errorf("%s: %s, want %s", accept, got, want)
		}
	}
	for _, accept := range []string{
		"text/html", "text/plain", "application/vnd.kafka.recordbatch", "*/*;q=0",
	} {
		a := f.get("/topics/news/records", "Accept", accept)
		a.wantError(t, 406, "not_acceptable")
		if !strings.Contains(a.body, "application/json, application/x-ndjson, application/jsonl") {
			t.Error(a.body)
		}
	}
	f.do("POST", "/topics/news/records", oneRecord, "Content-Type", "application/json", "Accept", "application/x-ndjson").
		wantError(t, 406, "not_acceptable")
}
