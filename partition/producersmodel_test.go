package partition

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"flashq/broker"
	"flashq/segment/batch"
	"flashq/segment/segmenttest"
)

// sent is one batch of a producer, or all batches of a key, as its client knows it: to be sent again.
type sent struct {
	id     int64
	epoch  int16
	sizes  []int // records of each batch
	first  int32
	offset int64 // where its first batch was stored
	life   int   // of the partition, in which it was
}

// part makes it anew: a retry has other memory than the first try.
func (s sent) part() *broker.Part {
	part, next := &broker.Part{}, s.first
	for i, n := range s.sizes {
		var b batch.Builder
		for range n {
			b.Add(5, nil, fmt.Appendf(nil, "%d/%d/%d", s.id, s.epoch, next))
			next = batch.AddSequence(next, 1)
		}
		out := b.Finish()
		if s.id != batch.NoProducer {
			out.SetProducer(s.id, s.epoch, batch.AddSequence(next, -int32(n)))
		}
		if i == 0 {
			part.Batch = out
		} else {
			part.Rest = append(part.Rest, broker.More{Batch: out})
		}
	}
	return part
}

func (s sent) count() (n int32) {
	for _, size := range s.sizes {
		n += int32(size)
	}
	return n
}

// retrying is clients that repeat what they like, on a disk where everything happens. The model is what the log holds:
// each record that a client has numbered stands in it once.
type retrying struct {
	fs      *segmenttest.FS
	p       *Partition
	stored  map[int64][]sent // by producer, in order; of a key at most one; what nobody numbered is under -1
	keys    int64
	plain   int32 // records that nobody numbered, of which each is another one
	lives   int
	durable int64
}

func (m *retrying) open(t *rapid.T, powerCut bool) {
	_ = m.fs.Mkdir("p-0")
	p, _, err := Open(Config{
		FS: m.fs, Dir: "p-0", Retention: Retention{Ms: -1, Bytes: -1, SegmentBytes: 700}, NewEpoch: powerCut, Sync: true,
		Producers: &Producers{Save: true, Window: math.MaxInt32},
	})
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	m.p = p
	m.lives++
	for id, all := range m.stored { // a power cut takes what was not synced, from the end on
		kept := all[:0:0]
		for _, s := range all {
			if s.offset+int64(s.count()) <= p.Next() {
				kept = append(kept, s)
			} else if s.offset < p.Next() {
				t.Fatalf("%+v was torn", s)
			}
		}
		m.stored[id] = kept
	}
	m.durable = p.Next()
}

// append sends some parts in one gather, and notes what must come of them.
func (m *retrying) append(t *rapid.T, all ...sent) {
	parts := make([]*broker.Part, len(all))
	for i, s := range all {
		parts[i] = s.part()
	}
	for len(parts) > 0 {
		n := m.p.Fit(parts)
		if n == 0 {
			m.roll(t)
			continue
		}
		fails := rapid.IntRange(0, 9).Draw(t, "disk") == 0
		if fails {
			m.fs.Tear(1, 30, errTorn)
		}
		err := m.p.Append(at(1), parts[:n])
		m.fs.Heal()
		if err != nil { // nobody knows of any
			return
		}
		for i, part := range parts[:n] {
			m.judge(t, all[i], part.BaseOffset, part.Duplicate, m.p.Refused(i))
		}
		parts, all = parts[n:], all[n:]
	}
}

// mayBeUnknown tells of a batch that was stored in an earlier life: as Kafka's, a snapshot knows a producer's last batch
// alone.
func (m *retrying) mayBeUnknown(s sent) bool {
	all := m.stored[s.id]
	return s.life > 0 && s.life < m.lives && s.first != all[len(all)-1].first
}

func (m *retrying) judge(t *rapid.T, s sent, base int64, duplicate bool, err error) {
	all := m.stored[s.id]
	if m.mayBeUnknown(s) && errors.Is(err, broker.ErrOutOfOrderSequence) {
		return
	}
	if err != nil {
		t.Fatalf("%+v: %v", s, err)
	}
	for _, was := range all {
		if was.epoch == s.epoch && was.first == s.first {
			if !duplicate || base != was.offset {
				t.Fatalf("%+v is stored again: at %d, duplicate %v", was, base, duplicate)
			}
			return
		}
	}
	if duplicate {
		t.Fatalf("%+v is told to be stored at %d, and was never", s, base)
	}
	s.offset, s.life = base, m.lives
	m.stored[s.id] = append(all, s)
}

// unnumbered is a batch of nobody's.
func (m *retrying) unnumbered() sent {
	m.plain++
	return sent{id: batch.NoProducer, sizes: []int{1}, first: m.plain}
}

// mixture is batches for one part: of each producer what it has next, once or twice, or something again, with others
// that nobody has numbered. refused tells that one is among them that leaves a gap.
func (m *retrying) mixture(t *rapid.T) (all []sent, refused bool) {
	for _, id := range rapid.Permutation([]int64{1, 2, batch.NoProducer}).Draw(t, "who") {
		switch rapid.IntRange(0, 5).Draw(t, "what") {
		case 0:
		case 1:
			all = append(all, m.unnumbered())
		case 2:
			if id != batch.NoProducer {
				next := m.next(t, id)
				gap := next
				gap.first = batch.AddSequence(next.first, next.count()+5)
				all, refused = append(all, next, gap), true
			}
		default:
			if id == batch.NoProducer {
				all = append(all, m.unnumbered())
			} else if s, ok := m.recent(t, id); ok && rapid.Bool().Draw(t, "again") {
				all = append(all, s)
			} else {
				next := m.next(t, id)
				all = append(all, next, m.unnumbered(), next)
			}
		}
	}
	return all, refused
}

// mixed sends one part: all of it is stored, or nothing.
func (m *retrying) mixed(t *rapid.T) {
	all, refused := m.mixture(t)
	if len(all) == 0 {
		return
	}
	part := all[0].part()
	for _, s := range all[1:] {
		part.Rest = append(part.Rest, broker.More{Batch: s.part().Batch})
	}
	if m.p.Fit([]*broker.Part{part}) == 0 {
		m.roll(t)
	}
	if rapid.IntRange(0, 9).Draw(t, "disk") == 0 {
		m.fs.Tear(1, 30, errTorn)
	}
	before := m.p.Next()
	err := m.p.Append(at(1), []*broker.Part{part})
	m.fs.Heal()
	if err != nil { // nobody knows of any
		return
	}
	if err := m.p.Refused(0); err != nil {
		excused := refused || slices.ContainsFunc(all, m.mayBeUnknown)
		if !excused || !errors.Is(err, broker.ErrOutOfOrderSequence) || m.p.Next() != before || part.Stored {
			t.Fatalf("%+v: %v, stored %v, the log ends at %d after %d", all, err, part.Stored, m.p.Next(), before)
		}
		return
	}
	if refused {
		t.Fatalf("%+v: stored with a gap", all)
	}
	m.judge(t, all[0], part.BaseOffset, part.Duplicate, nil)
	for i, more := range part.Rest {
		m.judge(t, all[i+1], more.BaseOffset, more.Duplicate, nil)
	}
}

func (m *retrying) roll(t *rapid.T) {
	if m.p.ActiveEmpty() {
		return
	}
	job, save := m.p.Seal(true), m.p.SaveProducers()
	if err := job.Run(); err != nil {
		t.Fatal(err)
	}
	if rapid.IntRange(0, 4).Draw(t, "save") == 0 {
		m.fs.Fail(segmenttest.OpWrite, 1, errTorn)
	}
	save.Collect()
	_ = save.Run() // a cache
	m.fs.Heal()
	if err := m.p.Roll(); err != nil {
		t.Fatal(err)
	}
	m.p.SetSynced(job.UpTo)
	m.durable = job.UpTo
}

// next is what a producer sends next: one batch that runs on, or from time to time a new epoch.
func (m *retrying) next(t *rapid.T, id int64) sent {
	s := sent{id: id, sizes: []int{rapid.IntRange(1, 3).Draw(t, "records")}}
	if all := m.stored[id]; len(all) > 0 {
		last := all[len(all)-1]
		s.epoch, s.first = last.epoch, batch.AddSequence(last.first, last.count())
		if rapid.IntRange(0, 7).Draw(t, "epoch") == 0 {
			s.epoch, s.first = last.epoch+1, 0
		}
	} else {
		s.first = rapid.SampledFrom([]int32{0, 100, math.MaxInt32 - 2}).Draw(t, "first")
	}
	return s
}

// recent is one of the last five batches of a producer's epoch.
func (m *retrying) recent(t *rapid.T, id int64) (s sent, ok bool) {
	all := m.stored[id]
	if len(all) == 0 {
		return s, false
	}
	back := rapid.IntRange(1, min(5, len(all))).Draw(t, "back")
	s = all[len(all)-back]
	return s, s.epoch == all[len(all)-1].epoch
}

// check reads the log: each numbered record stands once, in order.
func (m *retrying) check(t *rapid.T) {
	v := m.p.View()
	defer v.Close()
	seen, last := map[string]int64{}, map[string]int32{}
	for next := v.Start(); next < v.End(); {
		data, err := v.Read(nil, next, 1<<20)
		if err != nil {
			t.Fatalf("read at %d: %v", next, err)
		}
		for len(data) > 0 {
			var b batch.Batch
			b, data, _ = batch.Next(data)
			who := fmt.Sprint(b.ProducerID(), "/", b.ProducerEpoch())
			was, ok := last[who]
			if ok && b.ProducerID() != batch.NoProducer && b.BaseSequence() != batch.AddSequence(was, 1) {
				t.Fatalf("%s goes on with sequence %d after %d", who, b.BaseSequence(), was)
			}
			last[who] = b.LastSequence()
			for it := b.Records(); it.Next(); {
				if at, ok := seen[string(it.Record.Value)]; ok {
					t.Fatalf("%s stands at %d and at %d", it.Record.Value, at, b.BaseOffset())
				}
				seen[string(it.Record.Value)] = b.BaseOffset()
			}
			next = b.LastOffset() + 1
		}
	}
	total := 0
	for _, all := range m.stored {
		for _, s := range all {
			total += int(s.count())
		}
	}
	if total != len(seen) {
		t.Fatalf("%d records were stored, the log holds %d", total, len(seen))
	}
}

var errTorn = fmt.Errorf("the disk says no")

// Whatever clients repeat, and whatever the disk does between: every record that a producer has numbered stands once and
// in order, and a repetition is told where the first try went. What is saved of producers may be missing or damaged.
func TestProducersModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := &retrying{fs: segmenttest.New(), stored: map[int64][]sent{}}
		m.open(t, false)
		defer func() { _ = m.p.Close(true) }()
		id := rapid.Int64Range(1, 3)
		spoil := func(how func(name string)) func(t *rapid.T) {
			return func(t *rapid.T) {
				if names := m.fs.Names(".snapshot"); len(names) > 0 {
					how(rapid.SampledFrom(names).Draw(t, "snapshot"))
				}
			}
		}
		t.Repeat(map[string]func(*rapid.T){
			"new":   func(t *rapid.T) { m.append(t, m.next(t, id.Draw(t, "id"))) },
			"mixed": m.mixed,
			"roll":  m.roll,
			"repeat": func(t *rapid.T) {
				if s, ok := m.recent(t, id.Draw(t, "id")); ok {
					m.append(t, s)
				}
			},
			"both in one gather, twice": func(t *rapid.T) {
				next := m.next(t, id.Draw(t, "id"))
				m.append(t, next, next)
			},
			"key": func(t *rapid.T) {
				m.keys++
				s := sent{id: batch.KeyProducers + m.keys, sizes: []int{rapid.IntRange(1, 3).Draw(t, "records")}}
				m.append(t, s, s)
			},
			"repeat key": func(t *rapid.T) {
				if m.keys > 0 {
					k := batch.KeyProducers + rapid.Int64Range(1, m.keys).Draw(t, "key")
					if all := m.stored[k]; len(all) > 0 {
						m.append(t, all[0])
					}
				}
			},
			"snapshot missing": spoil(func(name string) { m.fs.SetBytes(name, nil) }),
			"snapshot damaged": spoil(func(name string) {
				if data := m.fs.Bytes(name); len(data) > 0 { // else it is
					data[len(data)-1] ^= 1
					m.fs.SetBytes(name, data)
				}
			}),
			"stop": func(t *rapid.T) {
				if err := errors.Join(save(m.p), m.p.Close(false)); err != nil {
					t.Fatal(err)
				}
				m.open(t, false)
			},
			"kill": func(t *rapid.T) {
				_ = m.p.Close(true)
				m.fs = m.fs.Kill()
				m.open(t, false)
			},
			"power cut": func(t *rapid.T) {
				_ = m.p.Close(true)
				m.fs = m.fs.Crash(rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1)))
				m.open(t, true)
			},
			"": m.check,
		})
	})
}
