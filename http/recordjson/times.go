package recordjson

import "math"

const (
	msPerSecond = 1000
	msPerDay    = 86_400_000
)

// ParseTime reads a time and gives milliseconds since 1970, which may be negative: RFC 3339 with any offset (digits
// beyond milliseconds are cut off; a blank where the offset's + stood, as URLs lose it, counts as one), a date alone,
// which is its midnight in UTC, integer milliseconds, or a time before now such as -15m, -2h30m, -7d, -500ms.
func ParseTime(s []byte, now int64) (ms int64, ok bool) {
	if len(s) == len("2006-01-02") && s[4] == '-' && s[7] == '-' {
		var midnight [len("2006-01-02T00:00:00Z")]byte
		copy(midnight[:], s)
		copy(midnight[len(s):], "T00:00:00Z")
		return parseRFC3339(midnight[:])
	}
	if len(s) >= len("2006-01-02T15:04:05Z") && s[4] == '-' && s[10]|0x20 == 't' {
		return parseRFC3339(s)
	}
	if ms, ok = parseInteger(s); ok {
		return ms, true
	}
	if len(s) < 2 || s[0] != '-' {
		return 0, false
	}
	ago, ok := parseSpan(s[1:])
	if !ok || now < math.MinInt64+ago {
		return 0, false
	}
	return now - ago, true
}

// parseInteger reads an integer with an optional minus; not ok also when no int64 holds it.
func parseInteger(s []byte) (n int64, ok bool) {
	digits := s
	if len(s) > 0 && s[0] == '-' {
		digits = s[1:]
	}
	u, rest, ok := leadingInteger(digits)
	if !ok || len(rest) > 0 {
		return 0, false
	}
	if len(digits) == len(s) {
		return int64(u), u <= math.MaxInt64
	}
	return -int64(u), u <= 1<<63
}

// leadingInteger reads the digits that s begins with.
func leadingInteger(s []byte) (u uint64, rest []byte, ok bool) {
	i := 0
	for ; i < len(s) && isDigit(s[i]); i++ {
		if u > (math.MaxUint64-9)/10 {
			return 0, s, false
		}
		u = u*10 + uint64(s[i]-'0')
	}
	return u, s[i:], i > 0
}

// parseSpan reads numbers with their units, one after the other, as milliseconds.
func parseSpan(s []byte) (ms int64, ok bool) {
	for len(s) > 0 {
		n, rest, ok := leadingInteger(s)
		if !ok {
			return 0, false
		}
		unit, rest := leadingUnit(rest)
		if unit == 0 || n > uint64(math.MaxInt64-ms)/unit {
			return 0, false
		}
		ms += int64(n * unit)
		s = rest
	}
	return ms, true
}

// leadingUnit reads the unit that s begins with and gives its milliseconds, 0 when there is none.
func leadingUnit(s []byte) (ms uint64, rest []byte) {
	if len(s) >= 2 && s[0] == 'm' && s[1] == 's' {
		return 1, s[2:]
	}
	if len(s) == 0 {
		return 0, s
	}
	switch s[0] {
	case 's':
		ms = msPerSecond
	case 'm':
		ms = 60 * msPerSecond
	case 'h':
		ms = 3600 * msPerSecond
	case 'd':
		ms = msPerDay
	}
	return ms, s[1:]
}

// parseRFC3339 reads s, which is long enough for a date, a time and a Z.
func parseRFC3339(s []byte) (ms int64, ok bool) {
	year := pair(s, 0)*100 + pair(s, 2)
	month, day := pair(s, 5), pair(s, 8)
	hour, minute, second := pair(s, 11), pair(s, 14), pair(s, 17)
	if s[7] != '-' || s[13] != ':' || s[16] != ':' || year > 9999 || month < 1 || month > 12 ||
		day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 59 {
		return 0, false
	}
	fraction, zone, ok := parseFraction(s[19:])
	if !ok {
		return 0, false
	}
	offset, ok := parseOffset(zone)
	seconds := int64(hour*3600 + minute*60 + second - offset*60)
	return daysOf(year, month, day)*msPerDay + seconds*msPerSecond + int64(fraction), ok
}

// noPair is what pair gives for anything but digits: too large for every field, also times 100.
const noPair = 100_000

// pair reads the two digits at s[i].
func pair(s []byte, i int) int {
	a, b := s[i]-'0', s[i+1]-'0'
	if a > 9 || b > 9 {
		return noPair
	}
	return int(a)*10 + int(b)
}

// parseFraction reads .123, if it is there, as milliseconds.
func parseFraction(s []byte) (ms int, rest []byte, ok bool) {
	if len(s) == 0 || s[0] != '.' {
		return 0, s, true
	}
	i, unit := 1, 100
	for ; i < len(s) && isDigit(s[i]); i++ {
		ms += int(s[i]-'0') * unit
		unit /= 10
	}
	return ms, s[i:], i > 1
}

// parseOffset reads Z or +01:00 as minutes.
func parseOffset(s []byte) (minutes int, ok bool) {
	if len(s) == 1 {
		return 0, s[0]|0x20 == 'z'
	}
	if len(s) != len("+01:00") || s[3] != ':' {
		return 0, false
	}
	hour, minute := pair(s, 1), pair(s, 4)
	minutes = hour*60 + minute
	switch s[0] {
	case '+', ' ':
	case '-':
		minutes = -minutes
	default:
		return 0, false
	}
	return minutes, hour <= 23 && minute <= 59
}
