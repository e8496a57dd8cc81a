package http

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func pageOf(t testing.TB, a answer) (page memberPage) {
	t.Helper()
	a.want(t, 200).decode(t, &page)
	return page
}

func (f *fixture) wantSaying(done <-chan answer, want string) {
	f.Helper()
	if got := pageOf(f, <-done).saying(); got != want {
		f.Errorf("%s, want %s", got, want)
	}
}

func TestAMemberThatWaitsGivesUpAndTakesOver(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := groupFixture(t, Config{})
		f.says("a", "g1 [0 1] a b c d e")
		a := f.later(newsOf + "a&ack=g1;0:3,1:2&timeout_ms=60000")
		f.stillWaits(a)
		b := f.later(newsOf + "b&timeout_ms=60000") // a is told, lets go, and b gets it
		f.stillWaits(a)
		f.stillWaits(b)
		f.produce("/topics/news/records?partition=1", `{"value":"f"}`)
		f.wantSaying(b, "g2 [1] f")
		f.produce("/topics/news/records?partition=0", `{"value":"g"}`)
		f.wantSaying(a, "g2 [0] g")
		if left := f.s.bounds.waiters.Used(); left != 0 {
			t.Errorf("%d still wait", left)
		}
	})
}

func TestMoreMembersThanPartitions(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := groupFixture(t, Config{})
		f.says("a&session_ms=1000", "g1 [0 1] a b c d e")
		f.says("b", "g2 [] ")
		f.says("a", "g2 [0] a b c")
		begun := time.Now()
		c := f.later(newsOf + "c&timeout_ms=500")
		f.stillWaits(c)
		f.wantSaying(c, "g3 [] ")
		if waited := time.Since(begun); waited != 500*time.Millisecond {
			t.Errorf("waited %v", waited)
		}
		// a's lease ends, and whoever waits takes over.
		c = f.later(newsOf + "c&timeout_ms=60000")
		f.wantSaying(c, "g4 [0] a b c")
		if waited := time.Since(begun); waited != time.Second {
			t.Errorf("a lease of 1 s ended after %v", waited)
		}
		f.get(newsOf+"a&ack=g2;0:3").wantError(t, 409, "fenced")
	})
}

func TestAWaitHoldsTheLease(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := groupFixture(t, Config{})
		f.says("a&session_ms=1000", "g1 [0 1] a b c d e")
		f.wantSaying(f.later(newsOf+"a&ack=g1;0:3,1:2&timeout_ms=30000"), "g1 [0 1] ")
		time.Sleep(999 * time.Millisecond)
		if a := f.get("/groups/g"); !strings.Contains(a.body, `"member":"a"`) {
			t.Errorf("the lease counts from the wait's end: %s", a.body)
		}
		time.Sleep(time.Millisecond)
		synctest.Wait()
		if a := f.get("/groups/g"); !strings.Contains(a.body, `"members":[]`) || !strings.Contains(a.body, `"generation":2`) {
			t.Errorf("the lease does not end: %s", a.body)
		}
	})
}

func TestAWaitHearsOfItsEnd(t *testing.T) {
	for name, test := range map[string]struct {
		wait string
		do   func(f *fixture)
		end  func(f *fixture, a answer)
	}{
		"the member leaves": {
			newsOf + "m", func(f *fixture) { f.do("DELETE", "/groups/g/members/m", "").want(f, 204) },
			func(f *fixture, a answer) { a.wantError(f, 404, "member_not_found") },
		},
		"a member's group is deleted": {
			newsOf + "m", func(f *fixture) { f.do("DELETE", "/groups/g?force=true", "").want(f, 204) },
			func(f *fixture, a answer) { a.wantError(f, 404, "group_not_found") },
		},
		"a member's group is reset": {
			newsOf + "m", func(f *fixture) {
				f.post("/groups/g/offsets?force=true", `{"offsets":[{"topic":"news","partition":1,"offset":1}]}`).want(f, 200)
			},
			func(f *fixture, a answer) {
				if got := pageOf(f, a).saying(); got != "g2 [0 1] e" {
					f.Error(got)
				}
			},
		},
		"a member's topic is deleted": {
			newsOf + "m", func(f *fixture) { f.do("DELETE", "/topics/news", "").want(f, 204) },
			func(f *fixture, a answer) { a.wantError(f, 404, "topic_not_found") },
		},
		"a reader's group is deleted": {
			"/topics/news/records?group=g", func(f *fixture) { f.do("DELETE", "/groups/g", "").want(f, 204) },
			func(f *fixture, a answer) { a.wantError(f, 404, "group_not_found") },
		},
		"a reader's group is reset": {
			"/topics/news/records?group=g", func(f *fixture) {
				f.post("/groups/g/offsets", `{"offsets":[{"topic":"news","partition":1,"offset":1}]}`).want(f, 200)
			},
			func(f *fixture, a answer) {
				if got := pageOf(f, a).values(); got != "e" {
					f.Error(got)
				}
			},
		},
		"a reader's group gets a member": {
			"/topics/news/records?group=g", func(f *fixture) { f.says("m", "g1 [0 1] ") },
			func(f *fixture, a answer) { a.wantError(f, 409, "group_active") },
		},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(t *testing.T) {
				f := groupFixture(t, Config{})
				f.post("/groups/g/offsets", `{"offsets":[{"topic":"news","at":"latest"}]}`).want(t, 200)
				done := f.later(test.wait + "&timeout_ms=60000")
				if strings.Contains(test.wait, "member") {
					done = f.later(test.wait + "&timeout_ms=60000")
				}
				f.stillWaits(done)
				begun := time.Now()
				test.do(f)
				test.end(f, <-done)
				if waited := time.Since(begun); waited != 0 {
					t.Errorf("heard after %v", waited)
				}
			})
		})
	}
}

// One that stands by hears when its topic goes, too.
func TestAMemberWithoutPartitionsHearsOfItsTopicsEnd(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := start(t, Config{})
		f.createTopic("news", "")
		f.says("a", "g1 [0] ")
		b := f.later(newsOf + "b&timeout_ms=60000")
		f.stillWaits(b)
		begun := time.Now()
		f.do("DELETE", "/topics/news", "").want(t, 204)
		(<-b).wantError(t, 404, "topic_not_found")
		if waited := time.Since(begun); waited != 0 {
			t.Errorf("heard after %v", waited)
		}
	})
}

// What was read before a partition has to be given up is answered, under the generation it was read in; the member's
// next call acknowledges it and lets go.
func TestWhatWasReadIsAnsweredBeforeAMove(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := groupFixture(t, Config{})
		a := f.later(newsOf + "a&timeout_ms=60000&min_bytes=100")
		f.stillWaits(a)
		f.says("b", "g2 [] ")
		page := pageOf(t, <-a)
		if page.saying() != "g1 [0 1] a b c d e" || page.Position != "g1;0:3,1:2" {
			t.Errorf("%s at %s", page.saying(), page.Position)
		}
		f.says("a&ack="+page.Position, "g2 [0] ")
		f.says("b", "g2 [1] ")
	})
}

// A group that begins at the end misses nothing while it waits, whoever joins meanwhile.
func TestAWaitFromTheEndKeepsItsPlace(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := groupFixture(t, Config{})
		f.do("PUT", "/groups/g", `{"start":"latest"}`, "Content-Type", "application/json").want(t, 201)
		a := f.later(newsOf + "a&timeout_ms=60000&min_bytes=2")
		f.stillWaits(a)
		b := f.later(newsOf + "b&timeout_ms=60000")
		f.stillWaits(b)
		f.produce("/topics/news/records?partition=0", `{"value":"f"}`, `{"value":"g"}`)
		f.wantSaying(a, "g2 [0] f g")
		f.do("DELETE", "/groups/g/members/b", "").want(t, 204)
		(<-b).wantError(t, 404, "member_not_found")
	})
}

func TestMembersEndWithTheServer(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f := groupFixture(t, Config{})
		f.says("a", "g1 [0 1] a b c d e")
		done := f.later(newsOf + "a&ack=g1;0:3,1:2&timeout_ms=60000")
		f.stillWaits(done)
		f.s.Drain()
		f.wantSaying(done, "g1 [0 1] ")
		f.get(newsOf+"a").wantError(t, 503, "draining")
		f.putMember("a", "").wantError(t, 503, "draining")
		f.do("DELETE", "/groups/g/members/a", "").wantError(t, 503, "draining")
	})
}
