package http

import (
	"fmt"
	"strings"
	"testing"
)

// memberPage is what a member's fetch answers.
type memberPage struct {
	fetched
	Group struct {
		ID, Member, Committed string
		Generation            int
		Assignment            []int
	}
}

const newsOf = "/topics/news/records?group=g&member="

func (f *fixture) member(query string) (page memberPage) {
	f.Helper()
	f.get(newsOf+query).want(f, 200).decode(f, &page)
	return page
}

// saying is a page as text: generation, partitions, values.
func (p memberPage) saying() string {
	return fmt.Sprintf("g%d %v %s", p.Group.Generation, p.Group.Assignment, p.values())
}

func (f *fixture) says(query, want string) memberPage {
	f.Helper()
	page := f.member(query)
	if got := page.saying(); got != want {
		f.Errorf("%s: %s, want %s", query, got, want)
	}
	return page
}

func (f *fixture) putMember(name, body string) answer {
	f.Helper()
	return f.do("PUT", "/groups/g/members/"+name, body, "Content-Type", "application/json")
}

func TestAFetchJoinsAndAMemberReadsItsPartitions(t *testing.T) {
	f := groupFixture(t, Config{})
	a := f.get(newsOf+"a").want(t, 200)
	want := `{"id":"g","member":"a","generation":1,"assignment":[0,1],"committed":""}`
	if !strings.HasSuffix(a.body, `,"group":`+want+`}`) || !strings.Contains(a.body, `"position":"g1;0:3,1:2"`) {
		t.Errorf("%s", a.body)
	}
	f.says("b", "g2 [] ")                         // a holds both until its next call
	page := f.says("a&ack=g1;0:3,1:1", "g2 [0] ") // it acks what it held, then lets go of one
	if page.Position != "g2;0:3" || page.Group.Committed != "0:3" {
		t.Errorf("%+v", page)
	}
	b := f.says("b", "g2 [1] e")
	if b.Group.Committed != "1:1" || b.Position != "g2;1:2" {
		t.Errorf("%+v", b)
	}
	f.get(newsOf+"a&ack=g1;0:3,1:2").wantError(t, 409, "fenced")
	f.says("c", "g3 [] ")
	if p := f.member("c"); p.Position != "g3;" {
		t.Errorf("without partitions the position is %q", p.Position)
	}
	f.says("c&ack=g3;", "g3 [] ")
	f.do("DELETE", "/groups/g/members/a", "").want(t, 204)
	f.says("c", "g4 [0] ")
	f.says("b&ack=g2;1:2", "g4 [1] ")
	nd := f.get(newsOf+"b&from_offset=earliest", "Accept", "application/x-ndjson").want(t, 200)
	if nd.header.Get("FlashQ-Position") != "g4;1:2" || strings.Count(nd.body, "\n") != 2 {
		t.Errorf("%q %v", nd.body, nd.header)
	}
	f.says("b&partition=1&from_offset=0", "g4 [1] d e")
	for _, method := range []string{"GET", "HEAD"} {
		if a := f.do(method, newsOf+"b&partition=0,1&from_offset=0", ""); a.status != 409 {
			t.Errorf("%s of a partition that is not its own: %d", method, a.status)
		}
	}
	details := f.get(newsOf+"b&partition=0,1&from_offset=0").wantError(t, 409, "fenced")
	if details["partition"] != 0.0 || details["member"] != "b" || details["generation"] != 4.0 {
		t.Errorf("%v", details)
	}
	f.get(newsOf+"b&partition=2").wantError(t, 404, "partition_not_found")
	if a := f.do("HEAD", newsOf+"d", ""); a.status != 200 {
		t.Errorf("HEAD: %d", a.status)
	}
	wantJSONText(t, f.get("/groups").want(t, 200), `{"groups":[{"group":"g","members":2,"topics":["news"],"lag":0}]}`)
}

// A call that is refused for the partition that it names commits nothing; one that gives the partition up has committed,
// and is not refused.
func TestAnAckWithAPartition(t *testing.T) {
	f := groupFixture(t, Config{})
	f.says("a", "g1 [0 1] a b c d e")
	f.says("b", "g2 [] ")
	f.says("a&partition=1&ack=g1;1:1", "g2 [0] ") // and it has given partition 1 up
	f.says("b&partition=1", "g2 [1] e")
	for _, query := range []string{"a&partition=1&ack=g2;0:3", "a&partition=0,1&ack=g2;0:3", "b&partition=0&ack=g2;1:2"} {
		details := f.get(newsOf+query).wantError(t, 409, "fenced")
		if _, named := details["partition"]; !named || details["generation"] != 2.0 {
			t.Errorf("%s: %v", query, details)
		}
	}
	offsets := f.get("/groups/g/offsets").want(t, 200).body
	if strings.Count(offsets, `"committed_offset":null`) != 1 || !strings.Contains(offsets, `"committed_offset":1,`) {
		t.Errorf("refused calls left %s", offsets)
	}
	f.says("a&partition=0&ack=g2;0:3", "g2 [0] ")
	f.get(newsOf+"a&partition=1&ack=g2;").wantError(t, 409, "fenced")
}

func TestMemberRoutes(t *testing.T) {
	f := groupFixture(t, Config{})
	wantJSONText(t, f.putMember("m", `{"topics":["news","later"],"session_ms":5000}`).want(t, 200),
		`{"generation":1,"assignment":{"news":[0,1],"later":[]},"expires_at":"T"}`)
	wantJSONText(t, f.putMember("m", ``).want(t, 200),
		`{"generation":1,"assignment":{"news":[0,1],"later":[]},"expires_at":"T"}`)
	f.createTopic("later", "")
	if a := f.get("/groups/g"); !strings.Contains(a.body, `"assignment":{"later":[0],"news":[0,1]}`) { // before m calls
		t.Errorf("a topic was made, and %s", a.body)
	}
	wantJSONText(t, f.putMember("m", `{}`).want(t, 200),
		`{"generation":2,"assignment":{"news":[0,1],"later":[0]},"expires_at":"T"}`)
	wantJSONText(t, f.putMember("m", `{"topics":["news"]}`).want(t, 200),
		`{"generation":3,"assignment":{"news":[0,1]},"expires_at":"T"}`)
	rows := `[{"topic":"news","partition":0,"committed_offset":null,"metadata":null,"timestamp":null,"high_water_mark":3,"lag":3,"lag_ms":"age"},
		{"topic":"news","partition":1,"committed_offset":null,"metadata":null,"timestamp":null,"high_water_mark":2,"lag":2,"lag_ms":"age"}]`
	wantJSONText(t, f.get("/groups/g").want(t, 200), `{"group":"g","start":"earliest","generation":3,
		"members":[{"member":"m","topics":["news"],"assignment":{"news":[0,1]},"expires_at":"T"}],"offsets":`+rows+`,"lag":5}`)
	wantJSONText(t, f.get("/groups/g/offsets").want(t, 200), `{"offsets":[]}`)
	if a := f.get("/topics/news"); !strings.Contains(a.body, `"groups":[{"group":"g","lag":5}]`) {
		t.Errorf("the topic's groups: %s", a.body)
	}
	f.do("DELETE", "/groups/g/members/other", "").wantError(t, 404, "member_not_found")
	f.do("DELETE", "/groups/none/members/m", "").wantError(t, 404, "group_not_found")
	f.do("DELETE", "/groups/g/members/m", "").want(t, 204)
	f.get("/groups/g").wantError(t, 404, "group_not_found") // nothing of it is stored

	many := `"t` + strings.Repeat(`","t`, 100) + `"`
	for body, want := range map[string]string{
		``: "422 validation_error", `{}`: "422 validation_error", `[]`: "422 validation_error", `{"topics":`: "400 invalid_json",
		`{"topics":[]}`: "400 validation_error", `{"topics":["../x"]}`: "400 validation_error", `{"topics":[7]}`: "422 validation_error",
		`{"topics":"news"}`: "422 validation_error", `{"topics":[` + many + `]}`: "400 validation_error",
		`{"topics":["news"],"session_ms":999}`: "400 validation_error", `{"topics":["news"],"session_ms":300001}`: "400 validation_error",
		`{"topics":["news"],"session_ms":"5000"}`: "422 validation_error", `{"topics":["news"],"session_ms":null}`: "422 validation_error",
	} {
		var status int
		var code string
		fmt.Sscanf(want, "%d %s", &status, &code)
		f.putMember("m", body).wantError(t, status, code)
	}
	f.putMember("-m", `{"topics":["news"]}`).wantError(t, 400, "validation_error")
	f.putMember("m?x=1", `{"topics":["news"]}`).wantError(t, 400, "invalid_parameter")
	f.get(newsOf+"__m").wantError(t, 400, "validation_error")
	f.get("/topics/none/records?group=g&member=m").wantError(t, 404, "topic_not_found")
	f.get("/groups/g").wantError(t, 404, "group_not_found")
	strict := groupFixture(t, Config{NoAutoCreate: true})
	strict.get(newsOf+"m").wantError(t, 404, "group_not_found")
	strict.putMember("m", `{"topics":["news"]}`).wantError(t, 404, "group_not_found")
	strict.do("PUT", "/groups/g", "").want(t, 201)
	strict.says("m", "g1 [0 1] a b c d e")
}

func TestBesideLiveMembers(t *testing.T) {
	f := groupFixture(t, Config{})
	f.says("m", "g1 [0 1] a b c d e")
	const one = `"offsets":[{"topic":"news","partition":0,"offset":1}]`
	for _, path := range []string{
		"/topics/news/records?group=g", "/topics/news/records?group=g&ack=0:1", "/topics/news/records?group=g&ack=g1;0:1",
		"/topics/news/records?group=g&ack=0:1&from_offset=0", "/consumer/g/topic/news/record/offset",
		"/consumer/g/topic/news/record/offset?ack=0:1",
	} {
		f.get(path).wantError(t, 409, "group_active")
	}
	f.post("/groups/g/offsets", `{`+one+`}`).wantError(t, 409, "group_active")
	f.post("/groups/g/offsets?dry_run=true", `{`+one+`}`).wantError(t, 409, "group_active")
	f.post("/consumer/g/topic/news/offset", `{"offset":1}`).wantError(t, 409, "group_active")
	f.do("DELETE", "/groups/g", "").wantError(t, 409, "group_active")
	if got := f.fetch("/topics/news/records?group=g&from_offset=1"); got.values() == "" {
		t.Error("a seek for one call is no consuming") // it commits nothing
	}
	f.get("/consumer/g/topic/news/record/time?from_time=0").want(t, 200)
	// Nothing of the refused was committed.
	wantJSONText(t, f.get("/groups/g/offsets").want(t, 200), `{"offsets":[]}`)

	for body, want := range map[string]string{
		`{"member":"m","generation":1,` + one + `}`:   "200",
		`{"member":"m","generation":2,` + one + `}`:   "409 fenced",
		`{"member":"m","generation":0,` + one + `}`:   "409 fenced",
		`{"member":"n","generation":1,` + one + `}`:   "409 fenced",
		`{"member":"m",` + one + `}`:                  "422 validation_error",
		`{"generation":1,` + one + `}`:                "422 validation_error",
		`{"member":7,"generation":1,` + one + `}`:     "422 validation_error",
		`{"member":"m","generation":"1",` + one + `}`: "422 validation_error",
		`{"member":"m","generation":-1,` + one + `}`:  "400 validation_error",
		`{"member":"-m","generation":1,` + one + `}`:  "400 validation_error",
	} {
		var status int
		var code string
		fmt.Sscanf(want, "%d %s", &status, &code)
		if a := f.post("/groups/g/offsets", body); code != "" {
			a.wantError(t, status, code)
		} else {
			a.want(t, status)
		}
	}
	// A reset by force fences what was delivered before it.
	f.says("m&ack=g1;0:3,1:2", "g1 [0 1] ")
	f.post("/groups/g/offsets?force=true&dry_run=true", `{"offsets":[{"topic":"news","at":"earliest"}]}`).want(t, 200)
	f.says("m", "g1 [0 1] ")
	f.post("/groups/g/offsets?force=true", `{"offsets":[{"topic":"news","at":"earliest"}]}`).want(t, 200)
	details := f.get(newsOf+"m&ack=g1;0:3,1:2").wantError(t, 409, "fenced")
	if details["member"] != "m" || details["topic"] != "news" || details["generation"] != 1.0 || details["current_generation"] != 2.0 {
		t.Errorf("%v", details)
	}
	f.says("m", "g2 [0 1] a b c d e")
	f.do("DELETE", "/groups/g?force=true", "").want(t, 204)
	f.get("/groups/g").wantError(t, 404, "group_not_found")
	f.get(newsOf+"m&ack=g2;0:3").wantError(t, 409, "fenced")
	f.says("m", "g3 [0 1] a b c d e") // no generation comes again
	f.do("DELETE", "/consumer/g", "").want(t, 204)
	f.get("/consumer/g/topic/news/record/offset").wantError(t, 404, "group_not_found")
}

func TestAnAckIsRefusedAsAWhole(t *testing.T) {
	f := groupFixture(t, Config{})
	f.get(newsOf+"m&ack=g1;0:1").wantError(t, 409, "fenced") // nobody is a member
	f.get(newsOf+"m&ack=0:1").wantError(t, 409, "fenced")
	f.get("/groups/g").wantError(t, 404, "group_not_found")
	f.says("m", "g1 [0 1] a b c d e")
	f.get(newsOf+"m&ack=0:1").wantError(t, 409, "fenced") // a member's position tells since when
	f.get(newsOf+"m&ack=g1;0:4").wantError(t, 400, "invalid_offset")
	f.get(newsOf+"m&ack=g1;2:0").wantError(t, 409, "fenced") // nobody holds what is not there
	f.says("n", "g2 [] ")
	f.says("m", "g2 [0] a b c")
	f.says("n", "g2 [1] d e")
	f.get(newsOf+"m&ack=g1;0:3,1:2").wantError(t, 409, "fenced") // one of the two is not its own any more
	f.get(newsOf+"n&ack=g1;1:2").wantError(t, 409, "fenced")     // a token from before it came
	wantJSONText(t, f.get("/groups/g/offsets").want(t, 200), `{"offsets":[]}`)
	f.says("m&ack=g1;0:3", "g2 [0] ")
	f.do("DELETE", "/groups/g/members/n", "").want(t, 204)
	f.says("m", "g3 [0 1] d e")
	f.get(newsOf+"m&ack=g1;1:2").wantError(t, 409, "fenced") // it lost the partition and has it again
	f.get(newsOf+"m&ack=g3;1:2", "Origin", "http://evil.example").wantError(t, 403, "origin_not_allowed")
	f.says("m&ack=g3;1:2", "g3 [0 1] ")
}

func TestADeletedTopicsCommitsAndPartitionsGo(t *testing.T) {
	f := groupFixture(t, Config{})
	f.says("m", "g1 [0 1] a b c d e")
	f.says("m&ack=g1;0:3,1:2", "g1 [0 1] ")
	f.do("DELETE", "/topics/news", "").want(t, 204)
	f.get(newsOf+"m").wantError(t, 404, "topic_not_found")
	wantJSONText(t, f.putMember("m", "").want(t, 200), `{"generation":2,"assignment":{"news":[]},"expires_at":"T"}`)
	f.createTopic("news", `{"partitions":3}`)
	f.produce("/topics/news/records?partition=2", `{"value":"x"}`)
	f.get(newsOf+"m&ack=g2;0:0").wantError(t, 409, "fenced")
	f.says("m", "g3 [0 1 2] x")
}

// Whoever lost a partition learns that, also where the offset that it acknowledges is not there any more: it can join
// again then, and could do nothing about another answer.
func TestWhoIsFencedIsToldNothingElse(t *testing.T) {
	f := groupFixture(t, Config{})
	f.says("m", "g1 [0 1] a b c d e")
	f.do("DELETE", "/topics/news", "").want(t, 204)
	f.createTopic("news", `{"partitions":1}`)
	for _, ack := range []string{"g1;0:3", "g1;1:2", "g1;0:3,1:2", "g1;0:0,9:9"} {
		f.get(newsOf+"m&ack="+ack).wantError(t, 409, "fenced")
	}
	commit := func(who string) answer {
		return f.post("/groups/g/offsets", `{`+who+`"offsets":[{"topic":"news","partition":0,"offset":3}]}`)
	}
	commit(`"member":"m","generation":1,`).wantError(t, 409, "fenced")
	commit("").wantError(t, 409, "group_active")
	for _, start := range []string{"", "&from_offset=0"} {
		f.get("/topics/news/records?group=g&ack=0:3"+start).wantError(t, 409, "group_active")
	}
	f.says("m", "g3 [0] ")
	f.get(newsOf+"m&ack=g3;0:3").wantError(t, 400, "invalid_offset")
	commit(`"member":"m","generation":3,`).wantError(t, 400, "invalid_offset")
	wantJSONText(t, f.get("/groups/g/offsets").want(t, 200), `{"offsets":[]}`)
}
