package group

import (
	"errors"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"flashq/broker"
)

// place is a partition of one group.
type place struct {
	group, topic string
	partition    int
}

// token is what a member was answered: its position.
type token struct {
	group, member, topic string
	generation           int32
	partitions           []int
}

// claim is a partition as its member sees it: it holds it since the first answer that said so, without a break.
type claim struct {
	member string
	since  int32
}

// model is what members are told, kept beside a shard.
type model struct {
	*world
	r      *rapid.T
	told   map[string]int32 // the newest generation of each group that anybody was told
	claims map[place]claim
	tokens []token
	waits  map[[2]string]uint64 // calls that wait
	owners map[place]*member    // before the step
	may    map[string]bool      // members that made a call in the step, or whose end it was; "" is all
}

func (m *model) drop(keep func(place, claim) bool) {
	maps.DeleteFunc(m.claims, func(p place, c claim) bool { return !keep(p, c) })
}

// answered takes what a member was told of one topic.
func (m *model) answered(group, name, topic string, a broker.Membership) {
	if a.Generation < m.told[group] {
		m.r.Fatalf("%s is told generation %d after %d", name, a.Generation, m.told[group])
	}
	m.told[group] = a.Generation
	held := a.Assignment[topic]
	for p := range 5 {
		at := place{group, topic, p}
		c, taken := m.claims[at]
		switch has := slices.Contains(held, p); {
		case has && taken && c.member != name:
			m.r.Fatalf("%v is held by %s and %s", at, c.member, name)
		case has && !taken:
			m.claims[at] = claim{name, a.Generation}
		case !has && c.member == name:
			delete(m.claims, at)
		}
	}
	m.tokens = append(m.tokens, token{group, name, topic, a.Generation, held})
}

// others forgets what a call takes away in topics that its answer does not speak of: the member has to ask there, too.
func (m *model) others(group, name string) {
	i, err := m.shard.Find(group, "", m.shape, m.now)
	if err != nil {
		return
	}
	for _, live := range i.Members {
		if live.Name == name {
			for _, topic := range slices.Sorted(maps.Keys(m.topics)) {
				m.answered(group, name, topic, broker.Membership{Group: i, Assignment: live.Assignment})
			}
		}
	}
}

// valid is what the model says of a token's ack.
func (m *model) valid(k token) bool {
	for _, p := range k.partitions {
		if c := m.claims[place{k.group, k.topic, p}]; c.member != k.member || c.since > k.generation {
			return false
		}
	}
	return k.generation <= m.told[k.group]
}

func (m *model) offsets(k token, o int64) (all []offset) {
	for _, p := range k.partitions {
		w := at(k.topic, p, o)
		w.TopicID = m.topics[k.topic].id
		all = append(all, w)
	}
	return all
}

// commitNow plans a commit at the model's time.
func (m *model) commitNow(c broker.Commit, offsets []offset) ([]broker.Committed, Plan, error) {
	c, origins, room, _ := of(c, offsets...)
	return m.shard.Commit(c, origins, room, m.now)
}

func (m *model) fetch() {
	group, name := m.group(), rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(m.r, "member")
	topic := m.topic()
	m.may[name] = true
	a, err := m.world.fetch(group, name, topic)
	if err != nil {
		m.r.Fatal(err)
	}
	m.answered(group, name, topic, a)
	m.others(group, name)
}

func (m *model) ack() {
	if len(m.tokens) == 0 {
		return
	}
	k := rapid.SampledFrom(m.tokens).Draw(m.r, "token")
	forged := rapid.SampledFrom([]int32{0, 0, 0, 0, 1, -1}).Draw(m.r, "forged")
	k.generation += forged
	offsets := m.offsets(k, rapid.Int64Range(0, 20).Draw(m.r, "offset"))
	if len(offsets) == 0 || m.topics[k.topic].partitions == 0 {
		return
	}
	valid, before := m.valid(k), show(m.shard)
	var fenced *broker.FencedError
	if rapid.Bool().Draw(m.r, "commit") {
		own := broker.Commit{Group: k.group, Create: true, Member: k.member, Generation: int64(k.generation)}
		_, c, err := m.commitNow(own, offsets)
		if err == nil {
			m.write(c)
		}
		m.judge(k, valid, forged != 0, errors.As(err, &fenced), before)
		return
	}
	m.may[k.member] = true
	a, err := m.join(broker.MemberCall{
		Group: k.group, Member: k.member, Create: true, Generation: int64(k.generation), Topics: []string{k.topic},
		Add: true, Topic: k.topic,
	}, offsets...)
	m.judge(k, valid, forged != 0, errors.As(err, &fenced), before)
	if err == nil {
		m.answered(k.group, k.member, k.topic, a)
		m.others(k.group, k.member)
	}
}

// judge holds an ack against what the model says. A generation that was made up may be right by chance.
func (m *model) judge(k token, valid, forged, fenced bool, before string) {
	if fenced == valid && !forged {
		m.r.Fatalf("ack of %+v: fenced %v, the model says valid %v", k, fenced, valid)
	}
	if fenced && show(m.shard) != before {
		m.r.Fatalf("a fenced ack changed\n%s\nto\n%s", before, show(m.shard))
	}
}

func (m *model) group() string { return rapid.SampledFrom([]string{"g", "h"}).Draw(m.r, "group") }
func (m *model) topic() string { return rapid.SampledFrom([]string{"t", "u"}).Draw(m.r, "topic") }

func (m *model) subscribe() {
	group, name := m.group(), rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(m.r, "member")
	topics := rapid.SampledFrom([][]string{{"t"}, {"u"}, {"t", "u"}}).Draw(m.r, "topics")
	m.may[name] = true
	if _, err := m.join(broker.MemberCall{Group: group, Member: name, Create: true, Topics: topics, SessionMs: 5000}); err != nil {
		m.r.Fatal(err)
	}
	m.others(group, name)
}

func (m *model) goAway() {
	group, name := m.group(), rapid.SampledFrom([]string{"a", "b", "c", "d"}).Draw(m.r, "member")
	c, err := m.shard.Leave(group, name, m.shape, m.now)
	if err != nil {
		return
	}
	m.may[name] = true
	m.write(c)
	delete(m.waits, [2]string{group, name})
	m.drop(func(p place, c claim) bool { return p.group != group || c.member != name })
}

// time goes by; whoever has no lease any more holds nothing.
func (m *model) time() {
	m.may[""] = true
	m.pass(rapid.SampledFrom([]int64{1, 1000, 4999, 5000, 29_999, 30_000}).Draw(m.r, "ms"))
	m.drop(func(p place, c claim) bool {
		g := m.shard.groups[p.group]
		return g != nil && g.members[c.member] != nil
	})
	for key, born := range m.waits {
		if g := m.shard.groups[key[0]]; g == nil || g.members[key[1]] == nil || g.members[key[1]].born != born {
			m.r.Fatalf("%v lost its lease while it waited", key)
		}
	}
}

func (m *model) wait() {
	group, name := m.group(), rapid.SampledFrom([]string{"a", "b"}).Draw(m.r, "member")
	key := [2]string{group, name}
	if born, waits := m.waits[key]; waits {
		m.shard.Release(group, name, born, m.now)
		delete(m.waits, key)
		return
	}
	if g := m.shard.groups[group]; g != nil && g.members[name].alive(m.now) {
		m.waits[key] = m.shard.Hold(group, name, 0)
	}
}

func (m *model) remake() {
	name := m.topic()
	m.may[""] = true
	m.world.topic(name, rapid.IntRange(0, 5).Draw(m.r, "partitions"))
	m.drop(func(p place, _ claim) bool { return p.topic != name })
	m.tokens = slices.DeleteFunc(m.tokens, func(k token) bool { return k.topic == name })
}

// reset moves offsets by force: what was delivered before does not count any more.
func (m *model) reset() {
	group, topic := m.group(), m.topic()
	if m.topics[topic].partitions == 0 {
		return
	}
	k := token{group: group, topic: topic, partitions: []int{0}}
	force, active := rapid.Bool().Draw(m.r, "force"), m.shard.groups[group].active(m.now)
	_, c, err := m.commitNow(broker.Commit{Group: group, Create: true, Force: force}, m.offsets(k, 0))
	if errors.Is(err, broker.ErrGroupActive) != (active && !force) {
		m.r.Fatalf("active %v, force %v: %v", active, force, err)
	}
	if err == nil {
		m.write(c)
		delete(m.claims, place{group, topic, 0})
	}
}

func (m *model) remove() {
	group := m.group()
	c, err := m.shard.Delete(group, true, m.now)
	if err != nil {
		return
	}
	m.may[""] = true
	m.write(c)
	maps.DeleteFunc(m.waits, func(key [2]string, _ uint64) bool { return key[0] == group })
	m.drop(func(p place, _ claim) bool { return p.group != group })
}

// restart finds what the log says: no members, and generations go on.
func (m *model) restart() {
	m.may[""] = true
	m.shard = reopened(m.t, m.log)
	m.shard.Prune(func(string, [16]byte) bool { return true })
	clear(m.claims)
	clear(m.waits)
}

// before notes who owns what.
func (m *model) before() {
	clear(m.may)
	clear(m.owners)
	m.each(func(at place, s *slot, _ *state) { m.owners[at] = s.owner })
}

func (m *model) each(visit func(place, *slot, *state)) {
	for name, g := range m.shard.groups {
		for topic, h := range g.assigned {
			for p := range h.slots {
				visit(place{name, topic, p}, &h.slots[p], g)
			}
		}
	}
}

// holds checks what must hold after every step.
func (m *model) holds() {
	m.each(func(at place, s *slot, g *state) {
		if s.owner == nil || g.members[s.owner.name] != s.owner {
			m.r.Fatalf("%v has no owner", at)
		}
		if old := m.owners[at]; old != nil && old != s.owner && !m.may[old.name] && !m.may[""] {
			m.r.Fatalf("%v moved from %s to %s before its owner's call", at, old.name, s.owner.name)
		}
		if s.since > g.generation {
			m.r.Fatalf("%v is held since %d, in generation %d", at, s.since, g.generation)
		}
	})
	for name, g := range m.shard.groups {
		m.balanced(name, g)
		m.counted(name, g)
	}
}

func (m *model) balanced(name string, g *state) {
	total, same := map[*member]int{}, true
	for _, a := range g.members {
		total[a] = 0
		for _, b := range g.members {
			same = same && slices.Equal(a.topics, b.topics)
		}
	}
	for topic, h := range g.assigned {
		got := map[*member]int{}
		held := map[*member]int{}
		moves := 0
		for p := range h.slots {
			s := &h.slots[p]
			got[s.target]++
			total[s.target]++
			held[s.owner]++
			if s.owner != s.target {
				moves++
			}
		}
		var counts, had []int
		for _, r := range g.members {
			if slices.Contains(r.topics, topic) {
				counts, had = append(counts, got[r]), append(had, held[r])
			}
		}
		if slices.Max(counts)-slices.Min(counts) > 1 {
			m.r.Fatalf("%s %s is assigned as %v", name, topic, counts)
		}
		if fewest := fewestMoves(had, len(h.slots)); len(g.assigned) == 1 && moves > fewest {
			m.r.Fatalf("%s %s: %d move, %d would do", name, topic, moves, fewest)
		}
	}
	if all := slices.Collect(maps.Values(total)); same && len(all) > 0 && slices.Max(all)-slices.Min(all) > 1 {
		m.r.Fatalf("%s: of all topics members have %v", name, all)
	}
}

// fewestMoves is how many of n partitions have to move so that it is even within one, if readers hold so many of them.
func fewestMoves(held []int, n int) int {
	least, more := n/len(held), n%len(held)
	keep := 0
	for _, h := range held {
		keep += min(h, least)
		if h > least && more > 0 {
			keep++
			more--
		}
	}
	return n - keep
}

// settle has everybody call twice: then who is meant for a partition holds it.
func (m *model) settle() {
	for range 2 {
		for _, name := range slices.Sorted(maps.Keys(m.shard.groups)) {
			g := m.shard.groups[name]
			for _, who := range slices.Sorted(maps.Keys(g.members)) {
				m.may[who] = true
				if _, err := m.join(broker.MemberCall{Group: name, Member: who}); err != nil {
					m.r.Fatal(err)
				}
				m.others(name, who)
			}
		}
	}
	m.each(func(at place, s *slot, _ *state) {
		if s.owner != s.target {
			m.r.Fatalf("%v does not come to %s", at, s.target.name)
		}
	})
}

// Whatever members do, nobody holds a partition that another one holds, nobody else's offsets are moved, and all of it
// is dealt out evenly with the fewest moves.
func TestMembersModel(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		m := &model{
			world: newWorld(t), r: r, told: map[string]int32{}, claims: map[place]claim{},
			waits: map[[2]string]uint64{}, owners: map[place]*member{}, may: map[string]bool{},
		}
		step := func(do func()) func(*rapid.T) {
			return func(now *rapid.T) {
				m.r = now
				m.before()
				do()
				m.holds()
			}
		}
		r.Repeat(map[string]func(*rapid.T){
			"fetch": step(m.fetch), "ack": step(m.ack), "ack again": step(m.ack), "subscribe": step(m.subscribe),
			"leave": step(m.goAway), "time": step(m.time), "wait": step(m.wait), "remake a topic": step(m.remake),
			"reset": step(m.reset), "delete": step(m.remove), "restart": step(m.restart), "settle": step(m.settle),
		})
	})
}
