package group

// counted checks that what is kept in numbers is what the partitions say.
func (m *model) counted(name string, g *state) {
	load, moving := map[*member]int{}, map[*member]int{}
	for topic, h := range g.assigned {
		want := map[*member]int{}
		for p := range h.slots {
			s := &h.slots[p]
			want[s.target]++
			load[s.target]++
			if s.owner != s.target {
				moving[s.owner]++
			}
		}
		for _, r := range h.readers {
			if r.want != want[r.member] {
				m.r.Fatalf("%s %s: %s is to have %d and gets %d", name, topic, r.name, r.want, want[r.member])
			}
		}
	}
	for _, one := range g.members {
		if one.load != load[one] || one.moving != moving[one] {
			m.r.Fatalf("%s: %s has load %d, and %d of it move; it is %d and %d", name, one.name, one.load, one.moving,
				load[one], moving[one])
		}
	}
	if len(g.changed) > 0 || len(g.moved) > 0 {
		m.r.Fatalf("%s: %d topics and %d members are left to be looked at", name, len(g.changed), len(g.moved))
	}
}
