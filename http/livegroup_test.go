package http

import (
	"io"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestMembersOnStreams(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := groupFixture(t, Config{})
		a := f.stream(sse, newsOf+"a&session_ms=1000")
		a.wantEvent("retry: 2000|id: g1;0:0,1:0")
		a.wantEvent(`id: g1;0:0,1:0|event: assignment|data: {"generation":1,"assignment":[0,1]}`)
		for _, want := range []string{"a", "b", "c", "d", "id: g1;0:3,1:2|e"} {
			a.wantEvent(want)
		}
		// What it read is not committed until it says so, and then it goes on where it is.
		f.post("/groups/g/offsets", `{"member":"a","generation":1,"offsets":[{"topic":"news","partition":0,"offset":2}]}`).want(t, 200)
		time.Sleep(5 * time.Second) // a stream holds the lease
		b := f.stream(sse, newsOf+"b&session_ms=1000")
		b.wantEvent("retry: 2000|id: g2;")
		b.wantEvent(`id: g2;|event: assignment|data: {"generation":2,"assignment":[]}`)
		a.wantEvent(`id: g2;0:3|event: assignment|data: {"generation":2,"assignment":[0]}`)
		b.wantEvent(`id: g2;1:0|event: assignment|data: {"generation":2,"assignment":[1]}`)
		b.wantEvent("d")
		b.wantEvent("id: g2;1:2|e")
		f.produce("/topics/news/records?partition=0", `{"value":"f"}`)
		a.wantEvent("id: g2;0:4|f")
		f.get("/topics/news/records?group=g", "Accept", sse).wantError(t, 409, "group_active")
		f.do("DELETE", "/groups/g/members/a", "").want(t, 204)
		a.wantError("member_not_found")
		b.wantEvent(`id: g3;0:2,1:2|event: assignment|data: {"generation":3,"assignment":[0,1]}`)
		b.wantEvent("c")
		b.wantEvent("id: g3;0:4,1:2|f")
	})
}

// Who comes again goes on in what it has held since then; elsewhere the commit counts.
func TestAMemberComesAgain(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := groupFixture(t, Config{})
		f.says("a", "g1 [0 1] a b c d e")
		f.post("/groups/g/offsets", `{"member":"a","generation":1,"offsets":[{"topic":"news","partition":1,"offset":1}]}`).want(t, 200)
		for _, row := range []struct{ id, want string }{
			{"g1;0:2,1:2", "g1;0:2,1:2"}, {"g1;0:2", "g1;0:2,1:1"}, {"0:2,1:2", "g1;0:0,1:1"}, {"g7;0:2,1:2", "g1;0:0,1:1"},
			{"g0;0:2,1:2", "g1;0:0,1:1"}, {"g1;", "g1;0:0,1:1"}, {"", "g1;0:0,1:1"},
		} {
			l := f.stream(sse, newsOf+"a&last_event_id="+row.id)
			l.wantEvent("retry: 2000|id: " + row.want)
			l.Conn.Close()
		}
		f.says("b", "g2 [] ")
		f.says("a", "g2 [0] a b c")
		f.says("b", "g2 [1] e")
		f.do("DELETE", "/groups/g/members/b", "").want(t, 204)
		l := f.stream(sse, newsOf+"a&from_offset=latest", "Last-Event-ID", "g2;0:1,1:2") // partition 1 was another's meanwhile
		l.wantEvent("retry: 2000|id: g3;0:1,1:1")
	})
}

// A start of its own is where a member's stream begins; what comes to it later begins at the commit all the same.
func TestWhatComesToAMemberBeginsAtTheCommit(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := groupFixture(t, Config{})
		f.says("b", "g1 [0 1] a b c d e")
		l := f.stream(sse, newsOf+"a&from_offset=latest")
		l.wantEvent("retry: 2000|id: g2;")
		l.wantEvent(`id: g2;|event: assignment|data: {"generation":2,"assignment":[]}`)
		f.says("b", "g2 [0] a b c")
		l.wantEvent(`id: g2;1:0|event: assignment|data: {"generation":2,"assignment":[1]}`)
		l.wantEvent("d")
		l.wantEvent("id: g2;1:2|e")
	})
}

// A reset by force counts for who reads on, too.
func TestAResetMovesAMembersStream(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := groupFixture(t, Config{})
		l := f.stream(sse, newsOf+"a&partition=0")
		l.wantEvent("retry: 2000|id: g1;0:0")
		l.wantEvent(`id: g1;0:0|event: assignment|data: {"generation":1,"assignment":[0,1]}`)
		for _, want := range []string{"a", "b", "id: g1;0:3|c"} {
			l.wantEvent(want)
		}
		f.post("/groups/g/offsets?force=true", `{"offsets":[{"topic":"news","partition":0,"offset":1}]}`).want(t, 200)
		l.wantEvent(`id: g2;0:1|event: assignment|data: {"generation":2,"assignment":[0,1]}`)
		l.wantEvent("b")
		l.wantEvent("id: g2;0:3|c")
	})
}

// A group that is read without a member is read from its commits, until members come.
func TestAGroupsStreamWithoutAMember(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := groupFixture(t, Config{})
		f.post("/groups/g/offsets", `{"offsets":[{"topic":"news","partition":0,"offset":2}]}`).want(t, 200)
		l := f.stream(sse, "/topics/news/records?group=g")
		l.wantEvent("retry: 2000|id: 0:2,1:0")
		for _, want := range []string{"c", "d", "id: 0:3,1:2|e"} {
			l.wantEvent(want)
		}
		f.post("/groups/g/offsets", `{"offsets":[{"topic":"news","partition":0,"offset":3}]}`).want(t, 200)
		f.produce("/topics/news/records?partition=0", `{"value":"f"}`)
		l.wantEvent("id: 0:4,1:2|f")
		look := f.stream(sse, "/topics/news/records?group=g&from_offset=latest")
		look.wantEvent("retry: 2000|id: 0:4,1:2")
		f.says("m", "g1 [0 1] d e f")
		l.wantError("group_active")
		f.produce("/topics/news/records?partition=0", `{"value":"g"}`)
		look.wantEvent("id: 0:5,1:2|g") // which consumes nothing
	})
}

// Lines say what a member holds as events do, and go on.
func TestAMembersLinesGoOnWithItsAssignment(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := groupFixture(t, Config{})
		l := f.stream(lines, newsOf+"a&follow=true")
		if got := l.Response.Header.Get("FlashQ-Position"); got != "g1;0:0,1:0" {
			t.Error(got)
		}
		l.wantLine(`{"assignment":{"generation":1,"assignment":[0,1]}}`)
		for _, want := range []string{"a", "b", "c", "d", "e"} {
			l.wantLine(want)
		}
		f.says("b", "g2 [] ")
		l.wantLine(`{"assignment":{"generation":2,"assignment":[0]}}`)
		f.says("b", "g2 [1] d e") // a gave it up
		f.produce("/topics/news/records?partition=0", `{"value":"f"}`)
		l.wantLine("f")
		f.do("DELETE", "/groups/g/members/b", "").want(t, 204)
		l.wantLine(`{"assignment":{"generation":3,"assignment":[0,1]}}`)
		l.wantLine("d")
		l.wantLine("e")
		again := f.stream(lines, newsOf+"a&follow=true&last_event_id=g3;0:3,1:1")
		if got := again.Response.Header.Get("FlashQ-Position"); got != "g3;0:3,1:1" {
			t.Error(got)
		}
	})
}

// A member whose reader takes nothing while records wait for it is none for long; one who is slow stays.
func TestAMemberThatTakesNothingIsGone(t *testing.T) {
	if runtime.GOOS != "linux" {
		return // it can't be seen there before nothing more can be sent
	}
	f, s, dial := tcp(t)
	f.createTopic("news", "")
	open := func(group string) *live {
		return openStream(t, dial(""), sse, "/topics/news/records?group="+group+"&member=m&session_ms=1000&max_bytes=1000")
	}
	stuck, takes := open("stuck"), open("takes")
	go func() { _, _ = io.Copy(io.Discard, takes.Conn) }()
	record := `{"value":"` + strings.Repeat("x", 500_000) + `"}`
	for range 20 { // more than what the system keeps for a reader
		f.produce("/topics/news/records", record)
	}
	eventually(t, "the member is gone", func() bool { return f.get("/groups/stuck").status == 404 })
	if n := s.bounds.streams.Used(); n != 2 {
		t.Errorf("%d streams are open: it is gone with its stream, not before", n)
	}
	f.get("/groups/takes").want(t, 200)
	go func() { _, _ = io.Copy(io.Discard, stuck.Conn) }()
	eventually(t, "its stream has ended", func() bool { return s.bounds.streams.Used() == 1 })
}
