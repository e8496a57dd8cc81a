// Package poll owns the long poll of every door: one caller waits on any number of partitions, and on a group, until
// something has news. What fired is watched again, what didn't stays watched, and one who waits touches nothing until
// it is woken. It knows no protocol.
//
// The loop of a caller:
//
//	p := poll.New(len(cursors))
//	defer p.Leave()
//	for {
//		for i := range cursors {
//			c := &cursors[i]
//			if c.place, err = p.Watch(c.place, c.topic, c.partition, c.from); err != nil { ... }
//		}
//		if !p.Park(until) {
//			return // with what there is
//		}
//		... read those whose place has News, and return if that is enough
//	}
package poll
