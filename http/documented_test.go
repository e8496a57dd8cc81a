package http

import (
	"encoding/json"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"flashq/actor"
	"flashq/segment/segmenttest"
)

// The document is the same for whoever asks, comes packed where that is liked, and its examples are what it says.
func TestTheDocument(t *testing.T) {
	f := start(t, Config{Version: "1.2.3"})
	plain := f.get("/openapi.json", "X-Request-Id", "a").want(t, 200)
	var d struct {
		OpenAPI string
		Info    struct{ Version string }
		Paths   map[string]map[string]struct{ OperationID string }
	}
	plain.decode(t, &d)
	if d.OpenAPI != "3.1.0" || d.Info.Version != "1.2.3" {
		t.Errorf("%+v", d)
	}
	for _, row := range f.s.table {
		if got := d.Paths[row.pattern][strings.ToLower(row.method)].OperationID; got != row.id {
			t.Errorf("%s %s is %q, not %q", row.method, row.pattern, got, row.id)
		}
	}
	for _, coding := range []string{"gzip", "zstd"} {
		packed := f.get("/openapi.json", "Accept-Encoding", coding).want(t, 200)
		body, err := decoded(packed.header, []byte(packed.body))
		if err != nil || packed.header.Get("Content-Encoding") != coding || string(body) != plain.body+"\n" {
			t.Errorf("%s: %v %v", coding, err, packed.header)
		}
		if len(packed.body)*5 > len(body) {
			t.Errorf("%s: %d bytes of %d", coding, len(packed.body), len(body))
		}
	}
	if err := surfaceContract().document.Validate(t.Context()); err != nil {
		t.Errorf("kin-openapi: %v", err)
	}
}

// Every route says what it answers and reads, in the media types in which it does, and every parameter what it may be.
func TestEveryRouteIsDescribed(t *testing.T) {
	c := surfaceContract()
	ids := map[string]bool{}
	for _, row := range New(Config{}).table {
		o := c.document.Paths.Value(row.pattern).GetOperation(row.method)
		if row.id == "" || ids[row.id] {
			t.Errorf("%s %s: the id %q is none of its own", row.method, row.pattern, row.id)
		}
		ids[row.id] = true
		for _, p := range o.Parameters {
			if p.Value.Description == "" || p.Value.Example == nil || p.Value.Schema.Value.Type == nil {
				t.Errorf("%s: the parameter %s has no line, example or type", row.id, p.Value.Name)
			}
		}
		if (o.RequestBody != nil) != (row.bodies != nil) {
			t.Errorf("%s: its body is not described", row.id)
		}
		for _, media := range row.bodies {
			if o.RequestBody.Value.Content[media.Name] == nil {
				t.Errorf("%s: a body of %s is not described", row.id, media.Name)
			}
		}
		ok := o.Responses.Value("200")
		for _, media := range row.answers {
			if row.isProbe() {
				break // which answers what there is
			}
			if ok == nil || ok.Value.Content[media.Name] == nil {
				t.Errorf("%s: an answer of %s is not described", row.id, media.Name)
			}
		}
		for status, r := range o.Responses.Map() {
			for media, content := range r.Value.Content {
				if content.Schema == nil || content.Schema.Ref == "" && content.Schema.Value.Type == nil {
					t.Errorf("%s: %s of %s is not described", row.id, media, status)
				}
				if content.Example == nil && len(content.Examples) == 0 {
					t.Errorf("%s: %s of %s has no example", row.id, media, status)
				}
			}
		}
	}
}

// Every example is what the schema beside it says.
func TestExamplesAreWhatTheySay(t *testing.T) {
	c := surfaceContract()
	var walk func(at string, v any)
	walk = func(at string, v any) {
		object, _ := v.(map[string]any)
		if example, there := object["example"]; there && object["schema"] != nil {
			if err := c.holds(at+"/schema", example); err != nil {
				t.Errorf("%s: %v", at, err)
			}
		}
		for name, item := range object {
			if name != "example" {
				walk(at+pointer(name), item)
			}
		}
		list, _ := v.([]any)
		for i, item := range list {
			walk(at+pointer(strconv.Itoa(i)), item)
		}
	}
	text, err := New(Config{}).table.document("")
	if err != nil {
		t.Fatal(err)
	}
	var whole map[string]any
	dec := json.NewDecoder(strings.NewReader(string(text)))
	dec.UseNumber()
	if err := dec.Decode(&whole); err != nil {
		t.Fatal(err)
	}
	walk("", whole)
	for name := range c.document.Components.Examples {
		if err := c.holdsExample(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// holdsExample judges the example of an error.
func (c *contract) holdsExample(name string) error {
	text, err := json.Marshal(c.document.Components.Examples[name].Value.Value)
	if err != nil {
		return err
	}
	return c.holdsText("/components/schemas/Error", text)
}

// Bounds on what may exist answer alike wherever they are met.
func TestConflictsOfBounds(t *testing.T) {
	f := startOver(t, Config{}, actor.Config{MaxTopics: 1, MaxGroups: 1, MaxCommits: 3})
	const json = "application/json"
	f.produce("/topics/news/records", `{"value":"a"}`)
	f.post("/topics/other/records", oneRecord).wantError(t, 409, "conflict")
	f.do("PUT", "/topics/other", "").wantError(t, 409, "conflict")
	f.do("PUT", "/groups/g", gzipped(t, `{"start":"earliest"}`), "Content-Type", json, "Content-Encoding", "gzip").want(t, 201)
	f.do("PUT", "/groups/h", "").wantError(t, 409, "conflict")
	f.do("PUT", "/groups/h/members/m", `{"topics":["news"]}`, "Content-Type", json).wantError(t, 409, "conflict")
	f.get("/topics/news/records?group=h&member=m").wantError(t, 409, "conflict")
	f.post("/consumer/h", "").wantError(t, 409, "conflict")
	f.post("/groups/h/offsets", `{"offsets":[{"topic":"news","offset":1}]}`).wantError(t, 409, "conflict")
}

// A group that is there has no room for its commit, either.
func TestConflictsOfCommits(t *testing.T) {
	f := startOver(t, Config{}, actor.Config{MaxCommits: 1})
	f.produce("/topics/news/records", `{"value":"a"}`)
	f.do("PUT", "/groups/g", "").want(t, 201)
	f.post("/consumer/g/topic/news/offset", `{"offset":1}`).wantError(t, 409, "conflict")
}

// Figures are there once the broker is, and a stream of them ends with it.
func TestFiguresOfABrokerThatComesAndGoes(t *testing.T) {
	f := serve(t, Config{})
	f.get("/stats").want(t, 200) // of what there is
	gone := start(t, Config{})
	gone.s.Drain()
	gone.get("/stats", "Accept", "text/event-stream").wantError(t, 503, "draining")
}

// What is not there is told by the routes of groups as by any.
func TestGroupsOfWhatIsNotThere(t *testing.T) {
	f := start(t, Config{NoAutoCreate: true})
	f.createTopic("news", "")
	f.post("/groups/g/offsets", `{"offsets":[{"topic":"news","offset":0}]}`).wantError(t, 404, "group_not_found")
	f.do("PUT", "/groups/g", "").want(t, 201)
	f.get("/consumer/g/topic/gone/offset").wantError(t, 404, "topic_not_found")
	f.post("/consumer/g/topic/gone/offset", `{"offset":0}`).wantError(t, 404, "topic_not_found")
	for _, path := range []string{"offset", "time?from_time=-1h"} {
		f.get("/consumer/g/topic/news/record/"+path, "Accept", "application/octet-stream").want(t, 204)
	}
}

// Damage is told by whoever has to read records to answer.
func TestDamageIsToldOfPlaces(t *testing.T) {
	f := damaged(t)
	f.get("/topics/news/offsets?at=2020-01-01").want(t, 200)
	f.post("/groups/g/offsets", `{"offsets":[{"topic":"news","partition":0,"offset":3}]}`).want(t, 200)
	f.get("/groups/g").want(t, 200)
}

// A key that no head has room for is left out, and counted.
func TestAKeyThatNoHeadTakes(t *testing.T) {
	f := start(t, Config{MaxKeyBytes: 100_000})
	f.produce("/topics/news/records", `{"key":"`+strings.Repeat("k", 70_000)+`","value":"v"}`)
	if got := f.getRaw("/topics/news/records").header.Get("FlashQ-Key-Omitted"); got != "70000" {
		t.Error(got)
	}
}

// A disk without room is 503, and says when to come again.
func TestAFullDisk(t *testing.T) {
	fs := segmenttest.New()
	f := startOver(t, Config{}, actor.Config{FS: fs})
	f.produce("/topics/news/records", `{"value":"a"}`)
	fs.FailFrom(segmenttest.OpWrite, 1, syscall.ENOSPC)
	f.post("/topics/news/records", oneRecord).wantError(t, 503, "disk_full")
	f.get("/topics/news/records?group=g&ack=0:1").wantError(t, 503, "disk_full")
	fs.Heal()
}

// What is stored in one partition and not in another is told as that.
func TestPartiallyStored(t *testing.T) {
	fs := segmenttest.New()
	f := startOver(t, Config{DefaultPartitions: 2}, actor.Config{FS: fs})
	f.produce("/topics/news/records", `{"partition":0,"value":"a"}`, `{"partition":1,"value":"b"}`)
	fs.FailNamedFrom(segmenttest.OpWrite, "news-1", 1, syscall.ENOSPC)
	both := `{"records":[{"partition":0,"value":"a"},{"partition":1,"value":"b"}]}`
	stored := f.post("/topics/news/records", both).wantError(t, 503, "partially_stored")["stored"]
	if rows, ok := stored.([]any); !ok || len(rows) != 1 {
		t.Error(stored)
	}
	fs.Heal()
}

// The examples of bodies are what a broker takes: who tries the document has an answer that goes well.
func TestExamplesOfBodiesAreTaken(t *testing.T) {
	tried := 0
	for _, row := range New(Config{}).table {
		if row.body == nil {
			continue
		}
		path := strings.NewReplacer("{topic}", "news", "{group}", "emails", "{member}", "anna").Replace(row.pattern)
		body := surfaceContract().document.Paths.Value(row.pattern).GetOperation(row.method).RequestBody.Value
		for media, content := range body.Content {
			if media == "application/vnd.kafka.recordbatch.v2" {
				if content.Example != nil {
					t.Errorf("%s: %v is no batch: JSON has no way to write one", row.id, content.Example)
				}
				continue
			}
			f := start(t, Config{})
			if row.id != "putTopic" {
				f.createTopic("news", "")
			}
			if row.id != "putGroup" && row.id != "aliasCreateGroup" {
				f.do("PUT", "/groups/emails", "").want(t, 201)
			}
			text, isText := content.Example.(string)
			if !isText {
				encoded, err := json.Marshal(content.Example)
				if err != nil {
					t.Fatal(err)
				}
				text = string(encoded)
			}
			if a := f.do(row.method, path, text, "Content-Type", media); a.status >= 300 {
				t.Errorf("%s of %s: %d %s", row.id, text, a.status, a.body)
			}
			tried++
		}
	}
	if tried < 10 {
		t.Errorf("only %d examples were tried", tried)
	}
}

// A member and its generation are both there, or neither is: the document says what the broker does.
func TestACommitIsDescribedAsItIsTaken(t *testing.T) {
	f := start(t, Config{})
	f.createTopic("news", "")
	const at = "/paths/~1groups~1{group}~1offsets/post/requestBody/content/application~1json/schema"
	for rest, good := range map[string]bool{
		``: true, `,"member":null`: true, `,"generation":null`: true, `,"member":null,"generation":null`: true,
		`,"member":"anna"`: false, `,"generation":1`: false, `,"member":"anna","generation":null`: false,
		`,"member":null,"generation":1`: false, `,"member":"anna","generation":1`: true,
	} {
		body := `{"offsets":[{"topic":"news","offset":0}]` + rest + `}`
		told := surfaceContract().holdsText(at, []byte(body)) == nil
		status := f.post("/groups/g/offsets", body).status
		if taken := status != 422; told != good || taken != good {
			t.Errorf("%s is documented as good: %v; the broker says %d", body, told, status)
		}
	}
}
