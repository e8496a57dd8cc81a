package request

import (
	"strings"
	"testing"
)

func TestAnswerCoding(t *testing.T) {
	for header, want := range map[string]string{
		"": "", "gzip": "gzip", "zstd": "zstd", "zstd, gzip": "zstd", "gzip, zstd": "zstd", "gzip;q=1, zstd;q=0.5": "gzip",
		"gzip;q=0": "", "br": "", "br, gzip": "gzip", "*": "zstd", "*;q=0": "", "identity": "", "GZIP": "gzip",
		"identity, gzip;q=0.5": "", "zstd;q=0, *": "gzip",
		"*;q=0.5, gzip;q=0.2, zstd;q=0": "", "gzip;q=0.001": "gzip", "gzip;q=x": "gzip", "gzip;q=NaN": "gzip",
	} {
		if got := AnswerCoding([]byte(header)); got != want {
			t.Errorf("%q: %q, want %q", header, got, want)
		}
	}
}

func FuzzAccept(f *testing.F) {
	f.Add("application/json;q=0.5, */*;q=0.1")
	f.Add("a/b;q=;;,,=")
	f.Fuzz(func(t *testing.T, accept string) {
		for _, media := range RecordAnswers {
			if score := scoreOf(accept, media.Name); score < 0 || score > 10003 {
				t.Fatalf("%q: %s scores %d", accept, media.Name, score)
			}
		}
		if coding := AnswerCoding([]byte(accept)); coding != "" && !strings.Contains(strings.ToLower(accept), coding) &&
			!strings.Contains(accept, "*") {
			t.Fatalf("%q: %s was never asked for", accept, coding)
		}
	})
}
