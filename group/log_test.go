package group

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"flashq/broker"
	"flashq/segment/batch"
)

// weighed adds up what a shard's groups and commits count as.
func weighed(s *Shard) (w int64) {
	for name, g := range s.groups {
		w += 1 + int64(len(name)/128)
		for topic, all := range g.commits {
			for _, c := range all {
				w += 1 + int64((len(name)+len(topic)+len(c.metadata))/128)
			}
		}
		for topic := range g.met {
			w += 1 + int64((len(name)+len(topic))/128)
		}
	}
	return w
}

// Whatever happens, the log says what the state is, and so does a snapshot; and both are what a plain map says.
func TestLogAndSnapshotSayTheState(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		b := open(t)
		model := map[string]map[string]int64{} // group → topic-partition → offset
		explicit, late := map[string]bool{}, map[string]bool{}
		met := map[string]bool{} // group and topic
		names, topics := rapid.SampledFrom([]string{"a", "b", "c"}), rapid.SampledFrom([]string{"t", "u"})
		drop := func(name string) {
			if !explicit[name] && len(model[name]) == 0 {
				delete(model, name)
			}
		}
		r.Repeat(map[string]func(*rapid.T){
			"put": func(r *rapid.T) {
				name := names.Draw(r, "group")
				start := rapid.SampledFrom([]string{"", broker.StartEarliest, broker.StartLatest}).Draw(r, "start")
				b.put(name, start)
				explicit[name] = true
				if model[name] == nil {
					model[name] = map[string]int64{}
				}
				if start != "" {
					late[name] = start == broker.StartLatest
				}
			},
			"meet": func(r *rapid.T) {
				name, topic := names.Draw(r, "group"), topics.Draw(r, "topic")
				m := Meeting{Topic: topic}
				for p := range rapid.IntRange(0, 3).Draw(r, "partitions") {
					end := at(topic, p, rapid.Int64Range(0, 9).Draw(r, "end"))
					m.Ends, m.Origins = append(m.Ends, end.CommitOffset), append(m.Origins, end.Origin)
				}
				plan, err := b.shard.Meet(name, []Meeting{m}, roomy, 1)
				if (err == nil) != (model[name] != nil) {
					r.Fatalf("meet %s: %v", name, err)
				}
				if rapid.Bool().Draw(r, "no room") && err == nil {
					plan = b.shard.Keep(plan, name, []Meeting{m}, 1)
				}
				b.write(plan)
				for _, end := range m.Ends {
					key := fmt.Sprint(topic, end.Partition)
					if _, has := model[name][key]; late[name] && !met[name+topic] && !has {
						model[name][key] = end.Offset
					}
				}
				met[name+topic] = met[name+topic] || late[name]
			},
			"rewrite": func(*rapid.T) { b.write(b.shard.Rewrite(1 << 20)) },
			"commit": func(r *rapid.T) {
				name, topic := names.Draw(r, "group"), topics.Draw(r, "topic")
				metadata := strings.Repeat("m", rapid.SampledFrom([]int{0, 126, 128, 300}).Draw(r, "metadata"))
				p, offset, ack := rapid.IntRange(0, 2).Draw(r, "p"), rapid.Int64Range(0, 9).Draw(r, "offset"), rapid.Bool().Draw(r, "ack")
				o := at(topic, p, offset)
				o.Metadata = metadata
				b.commit(name, ack, o)
				if model[name] == nil {
					model[name] = map[string]int64{}
				}
				key := fmt.Sprint(topic, p)
				if old, ok := model[name][key]; !ok || !ack || offset > old {
					model[name][key] = offset
				}
			},
			"delete": func(r *rapid.T) {
				name := names.Draw(r, "group")
				data, err := b.shard.Delete(name, false, 1)
				if (err == nil) != (model[name] != nil) {
					r.Fatalf("delete %s: %v", name, err)
				}
				b.write(data)
				delete(model, name)
				delete(explicit, name)
				delete(late, name)
				maps.DeleteFunc(met, func(k string, _ bool) bool { return strings.HasPrefix(k, name) })
			},
			"forget": func(r *rapid.T) {
				topic := topics.Draw(r, "topic")
				b.write(b.shard.Forget(topic, id(topic), 1))
				for name := range model {
					maps.DeleteFunc(model[name], func(k string, _ int64) bool { return strings.HasPrefix(k, topic) })
					drop(name)
				}
			},
			"snapshot": func(*rapid.T) {
				var log []batch.Batch
				if err := b.shard.Snapshot(1, func(data batch.Batch) error { log = append(log, data); return nil }); err != nil {
					r.Fatal(err)
				}
				b.log = log // what is older goes
			},
			"": func(r *rapid.T) {
				if a, c := show(b.shard), show(reopened(t, b.log)); a != c && len(b.shard.unwritten) == 0 {
					r.Fatalf("state:\n%s\nthe log says:\n%s", a, c)
				}
				if w := weighed(b.shard); w != b.shard.Weight() {
					r.Fatalf("they weigh %d, not %d", w, b.shard.Weight())
				}
				written := int64(0)
				_ = b.shard.Snapshot(1<<40, func(data batch.Batch) error { written += int64(len(data)); return nil })
				if most := b.shard.SnapshotBytes(); b.shard.Len() > 0 && (most < written || most > 2*written+256) || b.shard.Len() == 0 && most != 0 {
					r.Fatalf("a snapshot of %d groups takes %d bytes, not up to %d", b.shard.Len(), written, most)
				}
				got := map[string]map[string]int64{}
				for _, i := range b.shard.List("", every, 1) {
					got[i.Name] = map[string]int64{}
					for _, c := range i.Offsets {
						got[i.Name][fmt.Sprint(c.Topic, c.Partition)] = c.Offset
					}
				}
				if diff := cmp.Diff(model, got); diff != "" {
					r.Fatalf("(-model +shard):\n%s", diff)
				}
			},
		})
	})
}
