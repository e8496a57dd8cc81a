package http

import (
	"fmt"
	"strings"
	"testing"

	"flashq/actor"
	"flashq/broker"
)

// A group that starts at the latest gets what comes after it first met the topic, once and again until it acknowledges:
// as a member, as a reader, by an alias, and by whatever it asks first.
func TestStartLatestLosesNothing(t *testing.T) {
	for name, path := range map[string]string{
		"reader": "/topics/news/records?group=g", "member": "/topics/news/records?group=g&member=m",
		"alias": "/consumer/g/topic/news/record/offset?partition=0,1",
	} {
		t.Run(name, func(t *testing.T) {
			f := groupFixture(t, Config{})
			f.do("PUT", "/groups/g", `{"start":"latest"}`, "Content-Type", "application/json").want(t, 201)
			f.do("HEAD", path, "").want(t, 200)
			f.post("/groups/g/offsets?dry_run=true", `{"offsets":[{"topic":"news","at":"latest"}]}`).want(t, 200)
			f.produce("/topics/news/records?partition=1", `{"value":"before it met the topic"}`)
			if got := f.fetch(path); got.values() != "" || got.Lag != 0 || got.Position[len(got.Position)-7:] != "0:3,1:3" {
				t.Errorf("at first: %+v", got)
			}
			f.produce("/topics/news/records?partition=1", `{"value":"job","timestamp":3000}`)
			for range 2 {
				if got := f.fetch(path).values(); got != "job" {
					t.Errorf("then it gets %q", got)
				}
			}
			wantJSONText(t, f.get("/groups/g/offsets"), `{"offsets":[
				{"topic":"news","partition":0,"committed_offset":3,"metadata":"","timestamp":"T","high_water_mark":3,"lag":0,"lag_ms":0},
				{"topic":"news","partition":1,"committed_offset":3,"metadata":"","timestamp":"T","high_water_mark":4,"lag":1,"lag_ms":"age"}]}`)
		})
	}
}

// A topic that a group asked for before it was there is read from its beginning, also when it is made anew.
func TestStartLatestOfATopicToCome(t *testing.T) {
	for name, ask := range map[string]func(f *fixture){
		"reader": func(f *fixture) { f.get("/topics/news/records?group=g").wantError(t, 404, "topic_not_found") },
		"member": func(f *fixture) { f.get("/topics/news/records?group=g&member=m").wantError(t, 404, "topic_not_found") },
		"put": func(f *fixture) {
			f.do("PUT", "/groups/g/members/m", `{"topics":["news"]}`, "Content-Type", "application/json")
		},
		"nobody":  func(*fixture) {},
		"a HEAD":  func(f *fixture) { f.do("HEAD", "/topics/news/records?group=g", "").want(t, 404) },
		"another": func(f *fixture) { f.get("/topics/news/records?group=h").wantError(t, 404, "topic_not_found") },
	} {
		t.Run(name, func(t *testing.T) {
			f := start(t, Config{})
			f.do("PUT", "/groups/g", `{"start":"latest"}`, "Content-Type", "application/json").want(t, 201)
			ask(f)
			met := name == "reader" || name == "member" || name == "put"
			for range 2 {
				f.createTopic("news", "")
				f.produce("/topics/news/records", `{"value":"first"}`)
				want, lag := "", int64(0)
				if met {
					want, lag = "first", 1
				}
				var group struct{ Lag int64 }
				f.get("/topics/news").want(t, 200)
				f.get("/groups/g").want(t, 200).decode(t, &group)
				if name == "put" && group.Lag != lag {
					t.Errorf("lag %d", group.Lag)
				}
				if got := f.fetch("/topics/news/records?group=g&member=m").values(); got != want {
					t.Errorf("it gets %q, want %q", got, want)
				}
				f.do("DELETE", "/topics/news", "").want(t, 204)
				met = true // by that fetch
			}
		})
	}
}

// What comes while a fetch waits is what the next one gets again.
func TestStartLatestWaits(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := groupFixture(t, Config{})
		f.do("PUT", "/groups/g", fmt.Sprintf(`{"start":%q}`, broker.StartLatest), "Content-Type", "application/json").want(t, 201)
		got := f.later("/topics/news/records?group=g&timeout_ms=60000")
		f.stillWaits(got)
		f.produce("/topics/news/records?partition=0", `{"value":"job"}`)
		if a := values(t, <-got); a != "job" {
			t.Errorf("the wait got %q", a)
		}
		if a := f.fetch("/topics/news/records?group=g"); a.values() != "job" || a.Lag != 0 {
			t.Errorf("it is not there again: %+v", a)
		}
		f.get("/topics/news/records?group=g&ack=0:4,1:2").want(t, 200)
		if a := f.fetch("/topics/news/records?group=g"); a.values() != "" {
			t.Errorf("after its ack: %q", a.values())
		}
	})
}

// Records that retention took are no lag: the group will never get them.
func TestLagBeginsWhereTheTopicDoes(t *testing.T) {
	f := startOver(t, Config{}, actor.Config{MemoryBytes: 8 << 20})
	f.createTopic("news", `{"segment_bytes":1024,"retention_bytes":2048}`)
	f.post("/groups/g/offsets", `{"offsets":[{"topic":"news","partition":0,"offset":0}]}`).want(t, 200)
	for range 20 {
		f.produce("/topics/news/records", `{"value":"`+strings.Repeat("x", 500)+`"}`)
	}
	var topic struct{ Details []struct{ Earliest int64 } }
	f.get("/topics/news").want(t, 200).decode(t, &topic)
	var got struct{ Offsets []struct{ Lag int64 } }
	f.get("/groups/g/offsets").want(t, 200).decode(t, &got)
	if first := topic.Details[0].Earliest; first == 0 || got.Offsets[0].Lag != 20-first {
		t.Errorf("lag %d of 20 records, of which %d are gone", got.Offsets[0].Lag, first)
	}
}

// An alias that reads for a group is a change like any fetch for one: no image on a page may make it.
func TestAliasesAreGuarded(t *testing.T) {
	f := groupFixture(t, Config{})
	f.do("PUT", "/groups/g", "").want(t, 201)
	for _, path := range []string{"/consumer/g/topic/news/record/offset", "/consumer/g/topic/news/record/time?from_time=-1h"} {
		f.get(path, "Sec-Fetch-Site", "cross-site").wantError(t, 403, "origin_not_allowed")
		f.get(path, "Sec-Fetch-Site", "same-origin").want(t, 200)
	}
}
