package poll_test

import (
	"testing"
	"testing/synctest"
	"time"

	"flashq/actor"
	"flashq/broker"
	"flashq/broker/brokertest"
	"flashq/broker/poll"
)

// spied is the real engine's topic, with its watches noted.
type spied struct {
	broker.Topic
	watched []int // partitions, each time
	left    []int
}

func (s *spied) Watch(partition int, w *broker.Watch) error {
	s.watched = append(s.watched, partition)
	return s.Topic.Watch(partition, w)
}

func (s *spied) Leave(partition int, w *broker.Watch) {
	s.left = append(s.left, partition)
	s.Topic.Leave(partition, w)
}

// inBubble runs a test over a topic in memory, under a fake clock.
func inBubble(t *testing.T, partitions int, test func(t *testing.T, b broker.Broker, topic *spied)) {
	synctest.Test(t, func(t *testing.T) {
		b, err := actor.Open(actor.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer b.Close()
		test(t, b, &spied{Topic: brokertest.Make(t, b, "news", partitions)})
	})
}

// reader is the loop of a caller that only counts.
type reader struct {
	*poll.Poll
	t      *testing.T
	topic  broker.Topic
	places []*poll.Place
	from   []int64
}

func read(t *testing.T, topic broker.Topic, partitions int) *reader {
	r := &reader{poll.New(partitions), t, topic, make([]*poll.Place, partitions), make([]int64, partitions)}
	r.watch()
	return r
}

func (r *reader) watch() {
	r.t.Helper()
	for i := range r.places {
		var err error
		if r.places[i], err = r.Watch(r.places[i], r.topic, i, r.from[i]); err != nil {
			r.t.Fatal(err)
		}
	}
}

// park gives the partitions that have news, nil when the wait is over.
func (r *reader) park() (news []int) {
	r.t.Helper()
	if !r.Park(poll.Until{Timeout: time.After(time.Minute)}) {
		return nil
	}
	for i, place := range r.places {
		if place.News() {
			news = append(news, i)
		}
	}
	return news
}

func (r *reader) wantNews(partition int) {
	r.t.Helper()
	if news := r.park(); len(news) != 1 || news[0] != partition {
		r.t.Fatalf("news of %v, want %d", news, partition)
	}
}

func store(t *testing.T, topic broker.Topic, partition int) {
	t.Helper()
	brokertest.Append(t, topic, brokertest.Part(partition, 1, "v"))
}

func TestOnlyWhatFiredIsWatchedAgain(t *testing.T) {
	inBubble(t, 5, func(t *testing.T, _ broker.Broker, topic *spied) {
		r := read(t, topic, 5)
		store(t, topic, 3)
		r.wantNews(3)
		r.from[3] = 1
		r.watch()
		r.watch()
		if n := len(topic.watched); n != 6 || topic.watched[5] != 3 {
			t.Errorf("watched %v", topic.watched)
		}
		store(t, topic, 3)
		r.wantNews(3)
		r.Leave()
		if len(topic.left) != 4 { // all but what fired
			t.Errorf("left %v", topic.left)
		}
	})
}

func TestNewsThatCameBeforeTheWatchIsTold(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, _ broker.Broker, topic *spied) {
		store(t, topic, 0)
		r := read(t, topic, 1)
		defer r.Leave()
		r.wantNews(0)
	})
}

func TestWhatEndsAWait(t *testing.T) {
	for name, wait := range map[string]func(end <-chan struct{}) poll.Until{
		"its time":         func(<-chan struct{}) poll.Until { return poll.Until{Timeout: time.After(time.Second)} },
		"a peer that left": func(end <-chan struct{}) poll.Until { return poll.Until{Gone: end} },
		"the server's end": func(end <-chan struct{}) poll.Until { return poll.Until{Drain: end} },
	} {
		inBubble(t, 1, func(t *testing.T, _ broker.Broker, topic *spied) {
			r := read(t, topic, 1)
			defer r.Leave()
			end := make(chan struct{})
			time.AfterFunc(time.Second, func() { close(end) })
			until, begun := wait(end), time.Now()
			if until.Timeout == nil {
				until.Timeout = time.After(time.Minute)
			}
			if news := r.Park(until); news || time.Since(begun) != time.Second {
				t.Errorf("%s: news %v after %v", name, news, time.Since(begun))
			}
		})
	}
}

// A partition that fires for ever and has nothing to read is not watched for ever.
func TestWhatOnlyPokesIsLeftAlone(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, _ broker.Broker, topic *spied) {
		store(t, topic, 0)
		r := read(t, topic, 1) // from 0, and it never gets on
		defer r.Leave()
		pokes := 0
		for ; r.park() != nil; pokes++ {
			if pokes > 1000 {
				t.Fatal("it is poked for ever")
			}
			r.watch()
		}
		if pokes < 10 {
			t.Errorf("given up after %d pokes", pokes)
		}
		r.from[0] = 1 // it got on after all
		r.watch()
		store(t, topic, 0)
		r.wantNews(0)
	})
}

func TestWhatComesBackIsTakenBack(t *testing.T) {
	inBubble(t, 2, func(t *testing.T, _ broker.Broker, topic *spied) {
		r := read(t, topic, 2)
		for range 5 {
			r.Drop(r.places[1])
			r.places[1] = nil
			r.watch()
		}
		if len(topic.watched) != 2 {
			t.Errorf("watched %v", topic.watched)
		}
		store(t, topic, 1)
		r.wantNews(1)
		r.Leave()
		if len(topic.left) != 1 {
			t.Errorf("left %v", topic.left)
		}
	})
}

// One that is to be read from further back must not wait for what its old watch waits for.
func TestAnOldWatchFromFurtherOnIsNotTakenBack(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, _ broker.Broker, topic *spied) {
		r := &reader{poll.New(1), t, topic, make([]*poll.Place, 1), []int64{7}}
		defer r.Leave()
		r.watch()
		for range 5 {
			r.Drop(r.places[0])
			r.places[0], r.from[0] = nil, 0
			r.watch()
		}
		if len(topic.watched) != 2 {
			t.Errorf("watched %v", topic.watched)
		}
		store(t, topic, 0)
		r.wantNews(0)
	})
}

func TestAGroupIsWatchedWithItsPartitions(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, b broker.Broker, topic *spied) {
		if _, err := b.PutGroup(t.Context(), "g", ""); err != nil {
			t.Fatal(err)
		}
		g, err := b.Group(t.Context(), "g", "news")
		if err != nil {
			t.Fatal(err)
		}
		r := read(t, topic, 1)
		defer r.Leave()
		seen := g.Seen
		for range 2 { // once it is told, and again
			if err := r.WatchGroup(b, "g", "", seen); err != nil || r.GroupNews() {
				t.Fatal("news at once", err)
			}
			c := broker.Commit{Group: "g", Offsets: []broker.CommitOffset{{Topic: "news"}}}
			if _, err := b.Commit(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			if news := r.park(); news != nil || !r.GroupNews() {
				t.Fatalf("news of %v", news)
			}
			if g, err = b.Group(t.Context(), "g", "news"); err != nil {
				t.Fatal(err)
			}
			seen = g.Seen
		}
	})
}
