package http

import (
	"strings"
	"testing"
)

func TestQueriesAreStrict(t *testing.T) {
	f := start(t, Config{})
	f.createTopic("news", `{"partitions":2}`)
	for _, test := range []struct{ query, code, about string }{
		{"max_record=5", "invalid_parameter", "max_record"},
		{"max_records=5&max_records=5", "invalid_parameter", "max_records"},
		{"max_records=0", "invalid_parameter", "max_records"},
		{"max_records=10001", "invalid_parameter", "max_records"},
		{"max_records=+5", "invalid_parameter", "max_records"},
		{"max_records=1e2", "invalid_parameter", "max_records"},
		{"max_records=", "invalid_parameter", "max_records"},
		{"max_bytes=16777217", "invalid_parameter", "max_bytes"},
		{"min_bytes=0", "invalid_parameter", "min_bytes"},
		{"timeout_ms=60001", "invalid_parameter", "timeout_ms"},
		{"timeout_ms=-1", "invalid_parameter", "timeout_ms"},
		{"encoding=utf8", "invalid_parameter", "encoding"},
		{"include_headers=yes", "invalid_parameter", "include_headers"},
		{"follow=true", "invalid_parameter", "follow"},
		{"partition=", "invalid_parameter", "partition"},
		{"partition=0,,1", "invalid_parameter", "partition"},
		{"partition=all", "invalid_parameter", "partition"},
		{"from_time=yesterday", "invalid_parameter", "from_time"},
		{"to_time=2025-01-15T", "invalid_parameter", "to_time"},
		{"to_time=-5", "invalid_parameter", "to_time"},
		{"from_time=-1700000000000", "invalid_parameter", "from_time"},
		{"from_time=1", "invalid_parameter", "from_time"},
		{"from_time=1736937045", "invalid_parameter", "from_time"},
		{"from_time=100000000000", "invalid_parameter", "from_time"},
		{"from_offset=0&from_time=0", "invalid_parameter", "from_time"},
		{"position=0:0&from_offset=0", "invalid_parameter", "from_offset"},
		{"position=g;0:1", "invalid_parameter", "position"},
		{"position=g7,0:1", "invalid_parameter", "position"},
		{"position=g7;0", "invalid_parameter", "position"},
		{"position=0:1,0:2", "invalid_parameter", "position"},
		{"group=g&ack=0", "invalid_parameter", "ack"},
		{"position=&position=", "invalid_parameter", "position"},
		{"group=g&ack=g;", "invalid_parameter", "ack"},
		{"member=m", "invalid_parameter", "member"},
		{"group=g&session_ms=1000", "invalid_parameter", "session_ms"},
		{"group=g&member=m&session_ms=999", "invalid_parameter", "session_ms"},
		{"group=g&member=m&session_ms=300001", "invalid_parameter", "session_ms"},
		{"ack=0:1", "invalid_parameter", "ack"},
		{"from_offset=first", "invalid_offset", "from_offset"},
		{"from_offset=-0", "invalid_offset", "from_offset"},
		{"from_offset=1.5", "invalid_offset", "from_offset"},
		{"from_offset=9223372036854775808", "invalid_offset", "from_offset"},
		{"from_offset=", "invalid_offset", "from_offset"},
	} {
		details := f.get("/topics/news/records?"+test.query).wantError(t, 400, test.code)
		if got := details["parameter"]; got != test.about {
			t.Errorf("%s: details name %v", test.query, got)
		}
	}
	for _, path := range []string{
		"/topics?x=1", "/topics/news?x=1", "/topics/news/offsets?when=latest", "/health?x=1", "/ready?x=1",
	} {
		f.get(path).wantError(t, 400, "invalid_parameter")
	}
	for _, query := range []string{"sync=1", "sync", "return=all", "partition=-1", "key=k"} {
		f.post("/topics/news/records?"+query, `{"records":[{"value":"a"}]}`).wantError(t, 400, "invalid_parameter")
	}
}

func TestUnknownParameterListsWhatIsAllowed(t *testing.T) {
	f := start(t, Config{})
	a := f.post("/topics/news/records?synk=true", `{"records":[{"value":"a"}]}`)
	details := a.wantError(t, 400, "invalid_parameter")
	if !strings.Contains(a.body, "'synk'") || len(details["allowed"].([]any)) != 6 {
		t.Error(a.body)
	}
}

func TestQueryIsJudgedBeforeTheTopic(t *testing.T) {
	f := start(t, Config{})
	f.get("/topics/none/records?nope=1").wantError(t, 400, "invalid_parameter")
	f.get("/topics/none/records").wantError(t, 404, "topic_not_found")
}
