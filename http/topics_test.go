package http

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/valyala/fasthttp"

	"flashq/broker"
	"flashq/http/fault"
)

func (f *fixture) put(name, body string) answer {
	f.Helper()
	return f.do("PUT", "/topics/"+name, body, "Content-Type", "application/json")
}

func TestPutTopic(t *testing.T) {
	f := start(t, Config{})
	want := `{"topic":"news","partitions":2,"retention_ms":-1,"retention_bytes":-1,"segment_bytes":1073741824,"segment_ms":604800000,` +
		`"details":[` +
		`{"partition":0,"earliest":0,"high_water_mark":0,"bytes":0,"segments":1},` +
		`{"partition":1,"earliest":0,"high_water_mark":0,"bytes":0,"segments":1}],"groups":[]}`
	if got := f.put("news", `{"partitions":2}`).want(t, 201).body; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	if got := f.get("/topics/news").want(t, 200).body; got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	f.put("news", `{"partitions":2,"retention_ms":5000}`).want(t, 200)
	f.put("news", `{"retention_bytes":7000}`).want(t, 200)
	got := f.do("PUT", "/topics/news", "").want(t, 200).body // no body: no Content-Type, and nothing to change
	if !strings.Contains(got, `"partitions":2,"retention_ms":5000,"retention_bytes":7000,`) {
		t.Error(got)
	}
	details := f.put("news", `{"partitions":3}`).wantError(t, 409, "partitions_immutable")
	if details["partitions"] != 2.0 {
		t.Error(details)
	}
	f.do("PUT", "/topics/plain", "").want(t, 201)
	f.do("PUT", "/topics/packed", gzipped(t, `{"partitions":9}`),
		"Content-Type", "application/json", "Content-Encoding", "gzip").want(t, 201)
}

func TestPutTopicJudgesItsBody(t *testing.T) {
	f := start(t, Config{MaxPartitions: 8})
	for _, test := range []struct {
		body   string
		status int
		code   string
	}{
		{`{"partitions":`, 400, "invalid_json"},
		{`{"partitions":1}{}`, 400, "invalid_json"},
		{"{\"x\":\"\xff\"}", 400, "invalid_json"},
		{`[]`, 422, "validation_error"},
		{`null`, 422, "validation_error"},
		{`{"partitions":"2"}`, 422, "validation_error"},
		{`{"partitions":null}`, 422, "validation_error"},
		{`{"partitions":1.5}`, 422, "validation_error"},
		{`{"partitions":1e1}`, 422, "validation_error"},
		{`{"partitions":1,"partitions":2}`, 422, "validation_error"},
		{`{"partitions":0}`, 400, "validation_error"},
		{`{"partitions":9}`, 400, "validation_error"},
		{`{"partitions":-1}`, 400, "validation_error"},
		{`{"retention_ms":0}`, 400, "validation_error"},
		{`{"retention_ms":-2}`, 400, "validation_error"},
		{`{"retention_ms":9223372036854775808}`, 400, "validation_error"},
		{`{"retention_bytes":-5}`, 400, "validation_error"},
		{`{"segment_bytes":1023}`, 400, "validation_error"},
		{`{"segment_bytes":2147483648}`, 400, "validation_error"},
		{`{"segment_bytes":-1}`, 400, "validation_error"},
		{`{"segment_ms":0}`, 400, "validation_error"},
		{`{"segment_ms":-1}`, 400, "validation_error"},
	} {
		if details := f.put("news", test.body).wantError(t, test.status, test.code); strings.HasPrefix(test.body, `{"p`) &&
			test.code == "validation_error" && details["field"] != "partitions" {
			t.Errorf("%s: %v", test.body, details)
		}
	}
	many := broker.TopicChange{Partitions: 9} // made under another bound
	if _, _, err := f.broker.CreateTopic(t.Context(), "old", many); err != nil {
		t.Fatal(err)
	}
	f.put("old", `{"partitions":9,"retention_ms":5000}`).want(t, 200)
	f.put("old", `{"partitions":7}`).wantError(t, 409, "partitions_immutable")
	f.do("PUT", "/topics/news", `{}`).wantError(t, 415, "unsupported_media_type")
	f.do("PUT", "/topics/news", `{}`, "Content-Type", "application/x-ndjson").wantError(t, 415, "unsupported_media_type")
	f.get("/topics/news").wantError(t, 404, "topic_not_found")
	f.do("PUT", "/topics/news", "").want(t, 201)
	if got := len(f.fetch("/topics/news/records").Partitions); got != 1 {
		t.Errorf("%d partitions", got)
	}
}

func FuzzTopicChange(f *testing.F) {
	f.Add([]byte(`{"partitions":3,"retention_ms":-1,"x":{"y":[1,"\u00e4"]}}`))
	f.Add([]byte(`{"segment_bytes":1024,"segment_bytes":2048}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		c := topicChange{mostPartitions: 256}
		err := topicMembers.Parse(body, &c)
		if err != nil {
			if e, known := fault.Explain(err); !known || e.Kind.Status != 400 && e.Kind.Status != 422 {
				t.Fatalf("%q: %v", body, err)
			}
			return
		}
		var std map[string]any
		if err := json.Unmarshal(body, &std); err != nil {
			t.Fatalf("%q was taken: %v", body, err)
		}
		if _, given := std["partitions"]; given != (c.Partitions != 0) || c.Partitions < 0 || c.Partitions > 256 {
			t.Fatalf("%q: %+v", body, c)
		}
		if c.SegmentBytes != nil && *c.SegmentBytes < broker.MinSegmentBytes {
			t.Fatalf("%q: segments of %d", body, *c.SegmentBytes)
		}
	})
}

func TestListAndDeleteTopics(t *testing.T) {
	f := start(t, Config{})
	if got := f.get("/topics").want(t, 200).body; got != `{"topics":[]}` {
		t.Error(got)
	}
	f.createTopic("b", `{"partitions":2}`)
	f.createTopic("a", "")
	f.produce("/topics/b/records?partition=0", `{"value":"x","timestamp":2000}`, `{"value":"y","timestamp":3000}`)
	f.produce("/topics/b/records?partition=1", `{"value":"z","timestamp":1000}`)
	if got := f.get("/topics").body; got != `{"topics":["a","b"]}` {
		t.Error(got)
	}
	var got struct {
		Details []struct {
			Name                string
			Partitions, Records int
			Bytes               int64
			First               *string `json:"first_timestamp"`
			Last                *string `json:"last_timestamp"`
		}
	}
	f.get("/topics?detail=true").want(t, 200).decode(t, &got)
	a, b := got.Details[0], got.Details[1]
	if a.Name != "a" || a.Records != 0 || a.First != nil || a.Last != nil {
		t.Errorf("%+v", a)
	}
	if b.Name != "b" || b.Partitions != 2 || b.Records != 3 || b.Bytes == 0 || *b.First != "1970-01-01T00:00:01.000Z" ||
		*b.Last != "1970-01-01T00:00:03.000Z" {
		t.Errorf("%+v", b)
	}
	if got := f.do("DELETE", "/topics/b", "").want(t, 204); got.body != "" {
		t.Error(got.body)
	}
	f.do("DELETE", "/topics/b", "").wantError(t, 404, "topic_not_found")
	if got := f.get("/topics").body; got != `{"topics":["a"]}` {
		t.Error(got)
	}
}

func TestDetailLeavesOutWhatWasDeletedMeanwhile(t *testing.T) {
	f := start(t, Config{})
	f.createTopic("a", "")
	f.createTopic("b", "")
	topics, err := f.broker.Topics(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	f.do("DELETE", "/topics/a", "").want(t, 204)
	list, err := f.s.summaries(&call{ctx: new(fasthttp.RequestCtx)}, topics)
	if err != nil || len(list) != 1 || list[0].Name != "b" {
		t.Error(list, err)
	}
}

func TestTopicOffsets(t *testing.T) {
	f := start(t, Config{})
	f.createTopic("news", `{"partitions":2}`)
	for i := range 3 {
		f.produce("/topics/news/records?partition=1", fmt.Sprintf(`{"value":"a","timestamp":%d}`, 1000*(i+1)))
	}
	for at, want := range map[string]string{
		"":                             `0,null 3,null 0:0,1:3`,
		"?at=latest":                   `0,null 3,null 0:0,1:3`,
		"?at=earliest":                 `0,null 0,1970-01-01T00:00:01.000Z 0:0,1:0`,
		"?at=1970-01-01T00:00:01.500Z": `0,null 1,1970-01-01T00:00:02.000Z 0:0,1:1`,
		"?at=-1m":                      `0,null 3,null 0:0,1:3`,
		"?at=1970-01-01T00:00:03Z":     `0,null 2,1970-01-01T00:00:03.000Z 0:0,1:2`,
	} {
		var got struct {
			Partitions []struct {
				Partition int
				Offset    int64
				Timestamp *string
			}
			Position string
		}
		f.get("/topics/news/offsets"+at).want(t, 200).decode(t, &got)
		var text string
		for _, p := range got.Partitions {
			stamp := "null"
			if p.Timestamp != nil {
				stamp = *p.Timestamp
			}
			text += fmt.Sprintf("%d,%s ", p.Offset, stamp)
		}
		if text += got.Position; text != want {
			t.Errorf("%s: %s, want %s", at, text, want)
		}
	}
	f.get("/topics/news/offsets?at=now").wantError(t, 400, "invalid_parameter")
	f.get("/topics/none/offsets").wantError(t, 404, "topic_not_found")
}
