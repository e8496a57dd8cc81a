package request

import (
	"strings"

	"flashq/http/fault"
)

const acceptedCodings = "gzip, zstd"

// BodyCoding judges a request's Content-Encoding: "" is none.
func BodyCoding(header []byte) (string, error) {
	if len(header) == 0 {
		return "", nil
	}
	switch coding := strings.ToLower(strings.TrimSpace(string(header))); coding {
	case "identity":
		return "", nil
	case "gzip", "zstd":
		return coding, nil
	case "x-gzip":
		return "gzip", nil
	default:
		e := fault.UnsupportedMediaType.New(
			"Content-Encoding "+fault.Quote(coding)+" is not accepted; send "+acceptedCodings+" or none", nil)
		e.Accepts = acceptedCodings
		return "", e
	}
}

// AnswerCoding picks zstd or gzip from an Accept-Encoding header, by quality, zstd first among equals; "" is neither.
func AnswerCoding(header []byte) string {
	if len(header) == 0 {
		return ""
	}
	accept := strings.ToLower(string(header))
	best, bestQuality := "", 0
	for _, coding := range [...]string{"zstd", "gzip"} {
		if q := codingQuality(accept, coding); q > bestQuality {
			best, bestQuality = coding, q
		}
	}
	if codingQuality(accept, "identity") > bestQuality {
		return ""
	}
	return best
}

// codingQuality is the q of one coding in thousandths: its own, or else that of *.
func codingQuality(accept, coding string) int {
	wild := 0
	for item := range strings.SplitSeq(accept, ",") {
		name, params, _ := strings.Cut(item, ";")
		switch name = strings.TrimSpace(name); {
		case name == coding, name == "x-"+coding && coding == "gzip":
			return quality(params)
		case name == "*":
			wild = quality(params)
		}
	}
	return wild
}
