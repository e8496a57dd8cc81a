package loadtest

// stamp is what a record of e2e begins with.
type stamp struct {
	run      uint32 // whose record it is: a topic may hold others
	producer int
	number   int64 // of the producer's records
	meant    int64 // when it was to be sent, by this process's clock
}

// stampSize is a stamp's text: four numbers of fixed width, with a blank after each.
const stampSize = 11 + 6 + 13 + 20

var stampWidths = [4]int{10, 5, 12, 19}

func putStamp(to []byte, s stamp) {
	at := 0
	for i, v := range [4]int64{int64(s.run), int64(s.producer), s.number, s.meant} {
		width := stampWidths[i]
		putDigits(to[at:at+width], v)
		at += width
		to[at] = ' '
		at++
	}
}

// putDigits fills to with the last digits of a number.
func putDigits(to []byte, v int64) {
	for i := len(to) - 1; i >= 0; i-- {
		to[i] = byte('0' + v%10)
		v /= 10
	}
}

func readStamp(value []byte) (stamp, bool) {
	if len(value) < stampSize {
		return stamp{}, false
	}
	var n [4]int64
	at := 0
	for i, width := range stampWidths {
		v, ok := digits(value[at : at+width])
		if at += width; !ok || value[at] != ' ' {
			return stamp{}, false
		}
		n[i] = v
		at++
	}
	return stamp{uint32(n[0]), int(n[1]), n[2], n[3]}, true
}

// digits reads what putDigits has written.
func digits(b []byte) (v int64, ok bool) {
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = v*10 + int64(c-'0')
	}
	return v, true
}
