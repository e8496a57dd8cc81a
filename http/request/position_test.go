package request

import (
	"slices"
	"testing"
)

func TestParsePosition(t *testing.T) {
	for token, want := range map[string][]Mark{
		"0:15":                  {{0, 15}},
		"0:15,2:7":              {{0, 15}, {2, 7}},
		"2:7,0:15":              {{0, 15}, {2, 7}},
		"0:9223372036854775807": {{0, 1<<63 - 1}},
	} {
		if got, ok := parsePosition([]byte(token)); !ok || !slices.Equal(got, want) {
			t.Errorf("%q: %v %v, want %v", token, got, ok, want)
		}
	}
	for _, token := range []string{
		"", ",", "0", "0:", ":1", "0:1,", ",0:1", "0:1,0:2", "0:-1", "-1:0", "+0:1", "0:1 ", "0:1;2:3", "g7;0:1", "0:1:2",
		"0:9223372036854775808", "0:18446744073709551617", "2147483648:1", "0:1_0", "0x1:1", "a:b",
	} {
		if got, ok := parsePosition([]byte(token)); ok {
			t.Errorf("%q was taken as %v", token, got)
		}
	}
}

func FuzzPosition(f *testing.F) {
	f.Add("0:15,2:7")
	f.Add("0:15,0:7")
	f.Add("10:9223372036854775807")
	f.Fuzz(func(t *testing.T, token string) {
		marks, ok := parsePosition([]byte(token))
		if !ok {
			return
		}
		var text []byte
		for _, m := range marks {
			text = AppendMark(text, 0, m.Partition, m.Offset)
			if o, found := FindMark(marks, m.Partition); !found || o != m.Offset {
				t.Fatalf("%v: partition %d not found", marks, m.Partition)
			}
		}
		again, ok := parsePosition(text)
		if !ok || !slices.Equal(marks, again) {
			t.Fatalf("%q became %q", token, text)
		}
	})
}
