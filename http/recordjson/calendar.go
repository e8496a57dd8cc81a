package recordjson

import "time"

func daysIn(year, month int) int {
	switch month {
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	case 4, 6, 9, 11:
		return 30
	}
	return 31
}

// Days are counted in years that begin with March, so that a leap day comes last; 1970-01-01 is day 719468 of year 0.
const (
	epochDay   = 719_468
	daysPer400 = 146_097
)

// daysOf is the day's number since 1970-01-01, for years 0 to 9999.
func daysOf(year, month, day int) int64 {
	month -= 3
	if month < 0 {
		month += 12
		year--
	}
	year += 400 // the months before March of year 0 belong to year -1
	days := year*365 + year/4 - year/100 + year/400 + (month*153+2)/5 + day - 1
	return int64(days - daysPer400 - epochDay)
}

// dateOf undoes daysOf.
func dateOf(days int64) (year, month, day int) {
	n := uint32(days + epochDay + daysPer400)
	era := n / daysPer400
	n %= daysPer400
	// Only the last century and the last year of four may have a day more: that is what min is for.
	century := min(n/36_524, 3)
	n -= century * 36_524
	four := n / 1461
	n -= four * 1461
	one := min(n/365, 3)
	n -= one * 365
	m := (n*5 + 2) / 153
	year, month, day = int(era*400+century*100+four*4+one)-400, int(m+3), int(n-(m*153+2)/5+1)
	if month > 12 {
		return year + 1, month - 12, day
	}
	return year, month, day
}

// timeLayout is what AppendTime writes.
const timeLayout = "2006-01-02T15:04:05.000Z07:00"

// The years 0 to 9999 are printed here: from 0000-01-01 up to before 10000-01-01.
const (
	firstDay = -719_528
	firstMs  = firstDay * msPerDay
	endMs    = 2_932_897 * msPerDay
)

const timeTemplate = "0000-00-00T00:00:00.000Z"

// AppendTime appends milliseconds since 1970 as RFC 3339 in UTC with three digits of fraction, as package time prints
// it also outside of the years 0 to 9999.
func AppendTime(dst []byte, ms int64) []byte {
	if ms < firstMs || ms >= endMs {
		return time.UnixMilli(ms).UTC().AppendFormat(dst, timeLayout)
	}
	since0 := uint64(ms - firstMs) // no negative numbers from here on
	year, month, day := dateOf(int64(since0/msPerDay) + firstDay)
	rest := uint32(since0 % msPerDay)
	seconds := rest / msPerSecond
	dst = append(dst, timeTemplate...)
	b := (*[len(timeTemplate)]byte)(dst[len(dst)-len(timeTemplate):])
	putPair(b, 0, uint32(year)/100)
	putPair(b, 2, uint32(year)%100)
	putPair(b, 5, uint32(month))
	putPair(b, 8, uint32(day))
	putPair(b, 11, seconds/3600)
	putPair(b, 14, seconds/60%60)
	putPair(b, 17, seconds%60)
	b[20] = byte('0' + rest%msPerSecond/100)
	putPair(b, 21, rest%100)
	return dst
}

func putPair(b *[len(timeTemplate)]byte, i int, n uint32) {
	b[i], b[i+1] = byte('0'+n/10), byte('0'+n%10)
}
