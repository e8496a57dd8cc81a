package http

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// jsonOf gives an answer's JSON with its times, which differ from run to run, as "T", and ages as 0.
func jsonOf(t *testing.T, a answer) string {
	t.Helper()
	var v any
	a.decode(t, &v)
	blur(v)
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func blur(v any) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			blur(e)
		}
	case map[string]any:
		for k, e := range v {
			if s, ok := e.(string); ok && (k == "timestamp" || k == "expires_at") && strings.HasSuffix(s, "Z") {
				v[k] = "T"
			}
			if n, ok := e.(float64); ok && k == "lag_ms" && n > 0 {
				v[k] = "age"
			}
			blur(e)
		}
	}
}

// canonical sorts the members of a JSON text.
func canonical(t *testing.T, text string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

func wantJSONText(t *testing.T, a answer, want string) {
	t.Helper()
	if diff := cmp.Diff(canonical(t, want), jsonOf(t, a)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// groupFixture has a topic of two partitions: three old records in 0, two in 1.
func groupFixture(t *testing.T, c Config) *fixture {
	f := start(t, c)
	f.createTopic("news", `{"partitions":2}`)
	f.produce("/topics/news/records?partition=0", `{"value":"a","timestamp":1000}`, `{"value":"b","timestamp":2000}`,
		`{"value":"c","timestamp":3000}`)
	f.produce("/topics/news/records?partition=1", `{"value":"d","timestamp":1500}`, `{"value":"e","timestamp":2500}`)
	return f
}

func TestGroupReadsOnFromWhatItAcked(t *testing.T) {
	f := groupFixture(t, Config{})
	first := f.get("/topics/news/records?group=g&max_records=3").want(t, 200)
	again := f.get("/topics/news/records?group=g&max_records=3").want(t, 200)
	if first.body != again.body {
		t.Errorf("without an ack it reads on:\n%s\n%s", first.body, again.body)
	}
	var page struct {
		Position string
		Group    map[string]any
	}
	first.decode(t, &page)
	if diff := cmp.Diff(map[string]any{"id": "g", "committed": ""}, page.Group); diff != "" {
		t.Error(diff)
	}
	f.get("/groups/g").wantError(t, 404, "group_not_found") // nothing of it is stored yet
	next := f.get("/topics/news/records?group=g&ack="+page.Position).want(t, 200)
	var rest struct {
		Records []struct{ Value string }
		Group   map[string]any
	}
	next.decode(t, &rest)
	if len(rest.Records) != 2 || rest.Group["committed"] != page.Position {
		t.Errorf("after ack=%s: %s", page.Position, next.body)
	}
	// An ack that is behind does nothing; partitions that it does not name stay.
	f.get("/topics/news/records?group=g&ack=0:0").want(t, 200)
	if again := f.get("/topics/news/records?group=g").want(t, 200); again.body != next.body {
		t.Errorf("an old ack moved the group:\n%s\n%s", next.body, again.body)
	}
	// A start is a seek for one call.
	if v := f.fetch("/topics/news/records?group=g&from_offset=earliest").values(); !strings.Contains(v, "a") {
		t.Errorf("from the beginning: %s", v)
	}
	if again := f.get("/topics/news/records?group=g").want(t, 200); again.body != next.body {
		t.Errorf("a seek moved the group: %s", again.body)
	}
	if a := f.do("HEAD", "/topics/news/records?group=g&ack=0:3,1:2", ""); a.status != 200 {
		t.Errorf("HEAD: %d", a.status)
	}
	if again := f.get("/topics/news/records?group=g").want(t, 200); again.body != next.body {
		t.Errorf("HEAD acked: %s", again.body)
	}
}

func TestAckIsRefused(t *testing.T) {
	f := groupFixture(t, Config{})
	f.get("/topics/news/records?group=g&ack=0:4").wantError(t, 400, "invalid_offset")
	f.get("/topics/news/records?group=g&ack=2:0").wantError(t, 404, "partition_not_found")
	f.get("/topics/news/records?group=g&ack=g7;0:1").wantError(t, 409, "fenced")
	f.get("/topics/none/records?group=g&ack=0:1").wantError(t, 404, "topic_not_found")
	f.get("/topics/news/records?group=g&ack=0:1&partition=9").wantError(t, 404, "partition_not_found")
	f.get("/topics/news/records?group=g&ack=0:1&position=7:1").wantError(t, 404, "partition_not_found")
	f.get("/topics/news/records?group=-g").wantError(t, 400, "validation_error")
	f.get("/topics/news/records?group="+strings.Repeat("g", 256)).wantError(t, 400, "validation_error")
	f.get("/topics/news/records?group=g&ack=0:1", "Origin", "http://evil.example").wantError(t, 403, "origin_not_allowed")
	f.get("/topics/news/records?group=g", "Sec-Fetch-Site", "cross-site").wantError(t, 403, "origin_not_allowed")
	f.get("/groups/g").wantError(t, 404, "group_not_found")

	strict := groupFixture(t, Config{NoAutoCreate: true})
	strict.get("/topics/news/records?group=g").wantError(t, 404, "group_not_found")
	strict.get("/topics/news/records?group=g&ack=0:1").wantError(t, 404, "group_not_found")
	strict.do("PUT", "/groups/g", "").want(t, 201)
	strict.get("/topics/news/records?group=g&ack=0:1").want(t, 200)
}

// An ack that comes with a wait for which there is no room is not committed: the answer says that nothing was stored.
func TestAckOfARefusedWait(t *testing.T) {
	f := groupFixture(t, Config{MaxWaiters: 1})
	if !f.s.bounds.waiters.Take(1) {
		t.Fatal("no waiter to take")
	}
	defer f.s.bounds.waiters.Give(1)
	f.get("/topics/news/records?group=g&ack=0:3,1:2&timeout_ms=1000").wantError(t, 429, "overloaded")
	f.get("/groups/g").wantError(t, 404, "group_not_found")
}

func TestGroupRoutes(t *testing.T) {
	f := groupFixture(t, Config{})
	wantJSONText(t, f.get("/groups").want(t, 200), `{"groups":[]}`)
	empty := `{"group":"g","start":"earliest","generation":0,"members":[],"offsets":[],"lag":0}`
	wantJSONText(t, f.do("PUT", "/groups/g", "").want(t, 201), empty)
	wantJSONText(t, f.do("PUT", "/groups/g", `{"start":"earliest"}`, "Content-Type", "application/json").want(t, 200), empty)
	f.do("PUT", "/groups/late", `{"start":"latest"}`, "Content-Type", "application/json").want(t, 201)
	if v := f.fetch("/topics/news/records?group=late").values(); strings.ContainsAny(v, "abcde") {
		t.Errorf("a group that starts at the end got %s", v)
	}
	f.post("/groups/g/offsets", `{"offsets":[{"topic":"news","partition":0,"offset":2,"metadata":"batch 42"}]}`).want(t, 200)
	rows := `[{"topic":"news","partition":0,"committed_offset":2,"metadata":"batch 42","timestamp":"T","high_water_mark":3,"lag":1,"lag_ms":"age"},
		{"topic":"news","partition":1,"committed_offset":null,"metadata":null,"timestamp":null,"high_water_mark":2,"lag":2,"lag_ms":"age"}]`
	wantJSONText(t, f.get("/groups/g/offsets?topic=news").want(t, 200), `{"offsets":`+rows+`}`)
	wantJSONText(t, f.get("/groups/g/offsets").want(t, 200), `{"offsets":`+rows+`}`)
	wantJSONText(t, f.get("/groups/g").want(t, 200),
		`{"group":"g","start":"earliest","generation":0,"members":[],"offsets":`+rows+`,"lag":3}`)
	wantJSONText(t, f.get("/groups").want(t, 200),
		`{"groups":[{"group":"g","members":0,"topics":["news"],"lag":3},{"group":"late","members":0,"topics":["news"],"lag":0}]}`)
	var topic struct{ Groups json.RawMessage }
	f.get("/topics/news").want(t, 200).decode(t, &topic)
	if string(topic.Groups) != `[{"group":"g","lag":3},{"group":"late","lag":0}]` {
		t.Errorf("the topic's groups: %s", topic.Groups)
	}
	var health map[string]any
	if f.get("/health").decode(t, &health); health["consumer_groups_count"] != 2.0 {
		t.Errorf("health: %v", health)
	}
	f.get("/groups/g/offsets?topic=none").wantError(t, 404, "topic_not_found")
	f.get("/groups/none/offsets").wantError(t, 404, "group_not_found")
	f.do("DELETE", "/groups/g?force=true", "").want(t, 204)
	f.do("DELETE", "/groups/g", "").wantError(t, 404, "group_not_found")
	for body, want := range map[string]struct {
		status int
		code   string
	}{
		`{"start":"middle"}`: {400, "validation_error"}, `{"start":1}`: {422, "validation_error"}, `[]`: {422, "validation_error"},
		`{"start":"earliest"`: {400, "invalid_json"},
	} {
		f.do("PUT", "/groups/x", body, "Content-Type", "application/json").wantError(t, want.status, want.code)
	}
	f.do("PUT", "/groups/__x", "").wantError(t, 400, "validation_error")
}

func TestLagMsIsTheAgeOfTheNextRecord(t *testing.T) {
	f := start(t, Config{})
	f.produce("/topics/t/records", `{"value":"a","timestamp":"-1h"}`, `{"value":"b","timestamp":"-1m"}`)
	for offset, want := range [][2]int64{{3_600_000, 3_660_000}, {60_000, 120_000}, {0, 0}} {
		f.post("/groups/g/offsets", fmt.Sprintf(`{"offsets":[{"topic":"t","offset":%d}]}`, offset)).want(t, 200)
		var got struct {
			Offsets []struct {
				LagMs int64 `json:"lag_ms"`
			}
		}
		f.get("/groups/g/offsets?topic=t").want(t, 200).decode(t, &got)
		if ms := got.Offsets[0].LagMs; ms < want[0] || ms > want[1] {
			t.Errorf("lag_ms %d at offset %d", ms, offset)
		}
	}
}

func TestCommitAndReset(t *testing.T) {
	f := groupFixture(t, Config{})
	for _, step := range []struct{ query, items, want string }{
		{"", `{"topic":"news","partition":1,"offset":2}`, `[1 2 <nil>]`},
		{"", `{"topic":"news","offset":1}`, `[0 1 <nil>] [1 1 2]`},
		{"?dry_run=true", `{"topic":"news","at":"latest"}`, `[0 3 1] [1 2 1]`},
		{"", `{"topic":"news","at":"1970-01-01T00:00:02Z"}`, `[0 1 1] [1 1 1]`},
		{"", `{"topic":"news","at":"1970-01-01T00:00:02.600Z"}`, `[0 2 1] [1 2 1]`},
		{"?force=true", `{"topic":"news","at":"earliest"}`, `[0 0 2] [1 0 2]`},
		{"", `{"topic":"news","at":"latest"},{"topic":"news","partition":0,"offset":1}`, `[1 2 0] [0 1 0]`},
		{"", `{"topic":"news","at":"-1h"}`, `[0 3 1] [1 2 2]`},
	} {
		var got struct {
			Offsets []struct {
				Topic     string
				Partition int
				Committed int64  `json:"committed_offset"`
				Previous  *int64 `json:"previous_offset"`
				Timestamp string
			}
		}
		f.post("/groups/g/offsets"+step.query, `{"offsets":[`+step.items+`]}`).want(t, 200).decode(t, &got)
		var rows []string
		for _, o := range got.Offsets {
			previous := "<nil>"
			if o.Previous != nil {
				previous = fmt.Sprint(*o.Previous)
			}
			if o.Topic != "news" || o.Timestamp == "" {
				t.Errorf("%s: %+v", step.items, o)
			}
			rows = append(rows, fmt.Sprintf("[%d %d %s]", o.Partition, o.Committed, previous))
		}
		if text := strings.Join(rows, " "); text != step.want {
			t.Errorf("%s%s: %s, want %s", step.items, step.query, text, step.want)
		}
	}
}

func TestCommitIsAllOrNone(t *testing.T) {
	f := groupFixture(t, Config{})
	good := `{"topic":"news","partition":0,"offset":1}`
	long := strings.Repeat("ü", 1025)
	for _, test := range []struct {
		body   string
		status int
		code   string
	}{
		{``, 422, "validation_error"},
		{`{}`, 422, "validation_error"},
		{`{"offsets":[]}`, 400, "validation_error"},
		{`{"offsets":{}}`, 422, "validation_error"},
		{`{"offsets":[1]}`, 422, "validation_error"},
		{`{"offsets":[` + good + `,{"topic":"none","offset":0}]}`, 404, "topic_not_found"},
		{`{"offsets":[` + good + `,{"topic":"news","partition":2,"offset":0}]}`, 404, "partition_not_found"},
		{`{"offsets":[` + good + `,{"topic":"news","partition":1,"offset":3}]}`, 400, "invalid_offset"},
		{`{"offsets":[` + good + `,{"topic":"news","partition":1,"offset":-1}]}`, 400, "invalid_offset"},
		{`{"offsets":[` + good + `,{"topic":"news","partition":1,"offset":99999999999999999999}]}`, 400, "invalid_offset"},
		{`{"offsets":[` + good + `,{"topic":"news","partition":1,"offset":"1"}]}`, 422, "validation_error"},
		{`{"offsets":[` + good + `,{"topic":"news","partition":1}]}`, 422, "validation_error"},
		{`{"offsets":[` + good + `,{"topic":"news","partition":1,"offset":1,"at":"latest"}]}`, 422, "validation_error"},
		{`{"offsets":[` + good + `,{"topic":"news","partition":1,"at":"soon"}]}`, 400, "validation_error"},
		{`{"offsets":[` + good + `,{"topic":"news","partition":-1,"offset":1}]}`, 400, "validation_error"},
		{`{"offsets":[` + good + `,{"offset":1}]}`, 422, "validation_error"},
		{`{"offsets":[` + good + `,{"topic":"../x","offset":1}]}`, 400, "validation_error"},
		{`{"offsets":[` + good + `,` + good + `]}`, 400, "validation_error"},
		{`{"offsets":[` + good + `,{"topic":"news","partition":1,"offset":1,"metadata":"` + long + `"}]}`, 400, "validation_error"},
		{`{"offsets":[` + good + `,{"topic":"news","partition":1,"offset":1,"metadata":"\ud800"}]}`, 400, "invalid_json"},
		{`{"offsets":[` + good + `,{"topic":"news","partition":1,"offset":1,"metadata":7}]}`, 422, "validation_error"},
		{`{"member":"m","generation":7,"offsets":[` + good + `]}`, 409, "fenced"},
		{`{"offsets":[` + good, 400, "invalid_json"},
	} {
		f.post("/groups/g/offsets", test.body).wantError(t, test.status, test.code)
	}
	f.get("/groups/g").wantError(t, 404, "group_not_found")
	f.post("/groups/g/offsets", `{"offsets":[{"topic":"news","partition":0,"offset":1,"metadata":"`+long[2:]+`"}]}`).want(t, 200)
}

func TestAliases(t *testing.T) {
	f := groupFixture(t, Config{})
	f.post("/topic/news/record", `{"records":[{"value":"f","partition":1}]}`).want(t, 200)
	f.get("/consumer/g/topic/news/record/offset").wantError(t, 404, "group_not_found")
	f.get("/consumer/g/topic/news/offset").wantError(t, 404, "group_not_found")
	f.post("/consumer/g/topic/news/offset", `{"offset":1}`).wantError(t, 404, "group_not_found")
	wantJSONText(t, f.post("/consumer/g", `{"group_id":"g"}`).want(t, 200), `{"group_id":"g"}`)
	f.do("POST", "/consumer/g", "").wantError(t, 409, "conflict")
	f.post("/consumer/h", `{bad`).wantError(t, 400, "invalid_json")
	f.post("/consumer/late", `{"start":"latest"}`).want(t, 200)
	if got := f.fetch("/consumer/late/topic/news/record/offset"); *got.NextOffset != 3 || len(got.Records) != 0 {
		t.Errorf("a group that starts at the end: %+v", got)
	}
	f.do("DELETE", "/consumer/late", "").want(t, 204)
	wantJSONText(t, f.get("/consumer/g/topic/news/offset").want(t, 200),
		`{"topic":"news","committed_offset":0,"high_water_mark":3,"lag":3,"last_commit_time":null}`)
	wantJSONText(t, f.post("/consumer/g/topic/news/offset", `{"offset":2,"metadata":"x"}`).want(t, 200),
		`{"group_id":"g","topic":"news","offset":2,"committed_offset":2,"timestamp":"T"}`)
	f.post("/consumer/g/topic/news/offset", `{"offset":4}`).wantError(t, 400, "invalid_offset")
	f.post("/consumer/g/topic/news/offset", `{}`).wantError(t, 422, "validation_error")
	f.post("/consumer/g/topic/news/offset", ``).wantError(t, 422, "validation_error")
	for query, want := range map[string]string{
		"offset":               `c next 2`,
		"offset?from_offset=0": `a b c next 2`,
		"offset?partition=1":   `d e f next 0`,
		"time?from_time=1970-01-01T00:00:02.000Z": `b c next 2`,
	} {
		got := f.fetch("/consumer/g/topic/news/record/" + query)
		if text := fmt.Sprintf("%s next %d", got.values(), *got.NextOffset); text != want {
			t.Errorf("%s: %s, want %s", query, text, want)
		}
	}
	got := f.fetch("/consumer/g/topic/news/record/offset?ack=0:3")
	if len(got.Records) != 0 || *got.NextOffset != 3 {
		t.Errorf("after an ack: %+v", got)
	}
	f.get("/consumer/g/topic/news/record/time").wantError(t, 400, "invalid_parameter")
	f.get("/consumer/g/topic/news/record/offset?group=x").wantError(t, 400, "invalid_parameter")
	f.get("/consumer/g/topic/none/record/offset").wantError(t, 404, "topic_not_found")
	f.do("DELETE", "/consumer/g", "").want(t, 204)
	f.do("DELETE", "/consumer/g", "").wantError(t, 404, "group_not_found")
}
