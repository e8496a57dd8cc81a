package loadtest

import (
	"strconv"
	"strings"
)

// stamp is what a record of e2e begins with.
type stamp struct {
	run      uint32 // whose record it is: a topic may hold others
	producer int
	number   int64 // of the producer's records
	meant    int64 // when it was to be sent, by this process's clock
}

// stampSize is a stamp's text: four numbers of fixed width, with a blank after each.
const stampSize = 11 + 6 + 13 + 20

func putStamp(to []byte, s stamp) {
	at := 0
	for _, f := range []struct {
		value int64
		width int
	}{{int64(s.run), 10}, {int64(s.producer), 5}, {s.number, 12}, {s.meant, 19}} {
		v := f.value
		for i := at + f.width - 1; i >= at; i-- {
			to[i] = byte('0' + v%10)
			v /= 10
		}
		at += f.width
		to[at] = ' '
		at++
	}
}

func readStamp(value string) (stamp, bool) {
	if len(value) < stampSize {
		return stamp{}, false
	}
	fields := strings.Fields(value[:stampSize])
	if len(fields) != 4 {
		return stamp{}, false
	}
	var n [4]int64
	for i, f := range fields {
		v, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return stamp{}, false
		}
		n[i] = v
	}
	return stamp{uint32(n[0]), int(n[1]), n[2], n[3]}, true
}
