package cli

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/dustin/go-humanize"
)

// Size is a flag in bytes, written as a plain number or with a unit: 65536, 64KiB, 16MB, 1.5GiB.
type Size int64

const (
	sizeType  = "size"
	sizeForms = "bytes such as 65536, 64KiB, 16MB or 1.5GiB"
)

// Set reads a size. A fraction of a byte is cut off.
func (s *Size) Set(text string) error {
	n, err := parseSize(strings.TrimSpace(text))
	if err != nil || n > math.MaxInt64 {
		return fmt.Errorf("%q; allowed: %s, 0 to 8EiB less one byte", text, sizeForms)
	}
	*s = Size(n)
	return nil
}

func parseSize(text string) (uint64, error) {
	if strings.ContainsRune(text, ',') { // go-humanize drops commas: 1,5GiB would be 15
		return 0, strconv.ErrSyntax
	}
	if strings.Trim(text, "0123456789.") == "" && strings.ContainsRune(text, '.') { // 1.5 of what?
		return 0, strconv.ErrSyntax
	}
	return humanize.ParseBytes(text)
}

// String writes the size so that Set reads the same number: with the largest unit that leaves no rest.
func (s *Size) String() string {
	for _, unit := range []struct {
		name  string
		bytes Size
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if *s != 0 && *s%unit.bytes == 0 {
			return strconv.FormatInt(int64(*s/unit.bytes), 10) + unit.name
		}
	}
	return strconv.FormatInt(int64(*s), 10)
}

// Type names the flag's value in the help.
func (*Size) Type() string { return sizeType }
