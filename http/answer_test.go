package http

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// long lists: many topics with long names, and a group that committed to them.
func withMany(t *testing.T, c Config) (f *fixture, topics []string) {
	t.Helper()
	f = start(t, c)
	for i := range 40 {
		name := fmt.Sprintf("topic-%02d-%s", i, strings.Repeat("x", 200))
		f.createTopic(name, `{"partitions":3}`)
		topics = append(topics, name)
		f.post("/groups/readers/offsets", `{"offsets":[{"topic":"`+name+`","at":"earliest","metadata":"m"}]}`).want(t, 200)
		f.do("PUT", fmt.Sprintf("/groups/group-%02d-%s", i, strings.Repeat("x", 200)), "").want(t, 201)
	}
	return f, topics
}

// Every answer that is not small is in the answers' budget, and comes back to it.
func TestLongAnswersAreInTheBudget(t *testing.T) {
	f, topics := withMany(t, Config{MaxInflightBytes: 1 << 20})
	wide := "wide"
	f.createTopic(wide, `{"partitions":100}`)
	long := []string{
		"/topics", "/topics?detail=true", "/topics/" + wide, "/topics/" + wide + "/offsets", "/groups", "/groups/readers",
		"/groups/readers/offsets",
	}
	for _, path := range long {
		if a := f.get(path).want(t, 200); len(a.body) <= smallAnswer || !json.Valid([]byte(a.body)) {
			t.Errorf("%s: %d bytes, valid %v", path, len(a.body), json.Valid([]byte(a.body)))
		}
		eventually(t, "nothing of answers is held", func() bool { return f.s.bounds.answers.Used() == 0 })
	}
	f.s.bounds.answers.Take(1 << 20) // somebody else's answers
	for _, path := range long {
		f.get(path).wantError(t, 429, "overloaded")
	}
	f.get("/topics?limit=3").want(t, 200)
	f.get("/topics/"+topics[0]).want(t, 200)
	f.get("/topics/"+url.PathEscape(strings.Repeat("a", 300))).wantError(t, 400, "validation_error")

	// What is done is not said to be undone.
	a := f.do("PUT", "/topics/wider", `{"partitions":100}`, "Content-Type", "application/json")
	a.wantError(t, 429, "overloaded")
	if !strings.Contains(a.body, "It is done") || f.get("/topics/wider/offsets").status == 404 {
		t.Errorf("%s", a.body)
	}
	f.s.bounds.answers.Give(1 << 20)
	eventually(t, "nothing of answers is held", func() bool { return f.s.bounds.answers.Used() == 0 })
}

// A produce whose answer there is no room for stores nothing: the same records again would be stored twice.
func TestAProducesLongAnswerIsPaidForFirst(t *testing.T) {
	f := start(t, Config{MaxInflightBytes: 1 << 20})
	body := `{"records":[` + strings.Repeat(`{"value":"a"},`, 999) + `{"value":"a"}]}`
	f.createTopic("news", "")
	f.s.bounds.answers.Take(1 << 20)
	f.post("/topics/news/records?return=offsets", body).wantError(t, 429, "overloaded")
	f.s.bounds.answers.Give(1 << 20)
	if got := f.fetch("/topics/news/records"); len(got.Records) != 0 {
		t.Fatalf("%d records are stored", len(got.Records))
	}
	a := f.post("/topics/news/records?return=offsets", body).want(t, 200)
	var got struct {
		Offsets []struct{ Partition, Offset int }
	}
	a.decode(t, &got)
	if len(got.Offsets) != 1000 || got.Offsets[999].Offset != 999 {
		t.Errorf("%d offsets", len(got.Offsets))
	}
	eventually(t, "nothing of answers is held", func() bool { return f.s.bounds.answers.Used() == 0 })
}

// listed walks a long list in steps, and gives what each item is called.
func (f *fixture) listed(path, list string, limit int, name func(item json.RawMessage) string) (names []string) {
	f.Helper()
	after := ""
	for range 200 {
		query := url.Values{"limit": {fmt.Sprint(limit)}, "after": {after}}
		sign := "?"
		if strings.Contains(path, "?") {
			sign = "&"
		}
		a := f.get(path+sign+query.Encode()).want(f, 200)
		var page map[string]json.RawMessage
		a.decode(f, &page)
		var items []json.RawMessage
		if err := json.Unmarshal(page[list], &items); err != nil || items == nil {
			f.Fatal(err, a.body)
		}
		for _, item := range items {
			names = append(names, name(item))
		}
		if page["next"] == nil {
			return names
		}
		if len(items) != limit {
			f.Fatalf("%d items of %d, and there is more", len(items), limit)
		}
		if err := json.Unmarshal(page["next"], &after); err != nil {
			f.Fatal(err)
		}
	}
	f.Fatal("a list without an end")
	return nil
}

func TestLongListsComeInParts(t *testing.T) {
	f, topics := withMany(t, Config{})
	text := func(item json.RawMessage) (name string) {
		_ = json.Unmarshal(item, &name)
		return name
	}
	member := func(members ...string) func(item json.RawMessage) string {
		return func(item json.RawMessage) string {
			var row map[string]any
			_ = json.Unmarshal(item, &row)
			all := make([]string, len(members))
			for i, m := range members {
				all[i] = fmt.Sprint(row[m])
			}
			return strings.Join(all, ":")
		}
	}
	var rows []string
	for _, topic := range topics {
		for p := range 3 {
			rows = append(rows, fmt.Sprintf("%s:%d", topic, p))
		}
	}
	for _, limit := range []int{1, 7, 40, 10_000} {
		if got := f.listed("/topics", "topics", limit, text); !slices.Equal(got, topics) {
			t.Errorf("topics by %d: %d of %d", limit, len(got), len(topics))
		}
		if got := f.listed("/topics?detail=true", "details", limit, member("name")); !slices.Equal(got, topics) {
			t.Errorf("details by %d: %d of %d", limit, len(got), len(topics))
		}
		groups := f.listed("/groups", "groups", limit, member("group"))
		if len(groups) != 41 || !slices.IsSorted(groups) {
			t.Errorf("groups by %d: %d", limit, len(groups))
		}
		got := f.listed("/groups/readers/offsets", "offsets", limit, member("topic", "partition"))
		if !slices.Equal(got, rows) {
			t.Errorf("offsets by %d: %d of %d", limit, len(got), len(rows))
		}
	}
	one := "/groups/readers/offsets?topic=" + topics[5]
	if got := f.listed(one, "offsets", 2, member("topic", "partition")); !slices.Equal(got, rows[15:18]) {
		t.Errorf("offsets of one topic: %v", got)
	}
	for _, query := range []string{"limit=0", "limit=10001", "limit=x", "after=a/b"} {
		f.get("/topics?"+query).want(t, 400)
		f.get("/groups?"+query).want(t, 400)
		f.get("/groups/readers/offsets?"+query).want(t, 400)
	}
	f.get("/groups/readers/offsets?after=news:x").wantError(t, 400, "invalid_parameter")
	if a := f.get("/topics?after=zz"); a.want(t, 200).body != `{"topics":[]}` {
		t.Errorf("after the last: %s", a.body)
	}
}
