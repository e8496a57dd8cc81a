package request

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"flashq/http/fault"
)

// Format is the shape of records in a body or an answer.
type Format int

// The formats.
const (
	JSON Format = iota
	NDJSON
	Raw     // one record: the body is its value
	Batches // Kafka's record batches
	Events  // server-sent events
)

// Media is a media type and the format that it stands for.
type Media struct {
	Name   string
	Format Format
}

// RecordBodies are the media types in which records come, RecordAnswers those in which they go, best first; OnlyJSON is
// what everything else is written in.
var (
	RecordBodies = []Media{
		{"application/json", JSON},
		{"application/x-ndjson", NDJSON},
		{"application/jsonl", NDJSON},
		{"text/plain", Raw},
		{"application/octet-stream", Raw},
		{"application/vnd.kafka.recordbatch.v2", Batches},
	}
	RecordAnswers = []Media{
		{"application/json", JSON},
		{"application/x-ndjson", NDJSON},
		{"application/jsonl", NDJSON},
		{"application/octet-stream", Raw},
		{"application/vnd.kafka.recordbatch.v2", Batches},
		{"text/event-stream", Events},
	}
	OnlyJSON = RecordAnswers[:1]
	// JSONOrEvents are for what may be looked at once, or as it changes.
	JSONOrEvents = []Media{{"application/json", JSON}, {"text/event-stream", Events}}
)

var typeJSON = []byte("application/json")

// BodyFormat finds a request's Content-Type among those that its route takes.
func BodyFormat(contentType []byte, taken []Media) (Format, error) {
	if bytes.Equal(contentType, typeJSON) {
		return JSON, nil
	}
	for i := range taken {
		if taken[i].Name == string(contentType) {
			return taken[i].Format, nil
		}
	}
	media, params, _ := strings.Cut(string(contentType), ";")
	media = strings.ToLower(strings.TrimSpace(media))
	for _, m := range taken {
		if m.Name == media {
			if m.Name == "application/octet-stream" || m.Format == Batches {
				return m.Format, nil // bytes have no charset
			}
			return m.Format, checkCharset(params)
		}
	}
	return 0, unsupportedMedia(media, taken)
}

func unsupportedMedia(media string, taken []Media) error {
	plain := ""
	if slices.ContainsFunc(taken, func(m Media) bool { return m.Format == Raw }) {
		plain = ", or text/plain for one record that is the body as it is"
	}
	message := "Content-Type " + fault.Quote(media) + " is not accepted here; send " + names(taken)
	switch media {
	case "":
		message = "Content-Type is missing; send " + names(taken)
	case "application/x-www-form-urlencoded":
		message = "Content-Type is a form's, which is curl's default; add -H 'Content-Type: application/json'" + plain +
			". Accepted: " + names(taken)
	}
	return fault.UnsupportedMediaType.New(message, nil)
}

func names(list []Media) string {
	all := make([]string, len(list))
	for i, m := range list {
		all[i] = m.Name
	}
	return strings.Join(all, ", ")
}

// checkCharset takes UTF-8 and its subset only; other parameters mean nothing here.
func checkCharset(params string) error {
	for param := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(param, "=")
		value = strings.Trim(strings.TrimSpace(value), `"`)
		if !strings.EqualFold(strings.TrimSpace(name), "charset") {
			continue
		}
		switch strings.ToLower(value) {
		case "utf-8", "utf8", "us-ascii", "ascii":
		default:
			return fault.UnsupportedMediaType.New("charset "+fault.Quote(value)+" is not accepted; send UTF-8", nil)
		}
	}
	return nil
}

// Negotiate picks among what a route offers what an Accept header likes best: the highest q, then the one that was
// named more exactly, then the earlier.
func Negotiate(header []byte, offered []Media) (Media, error) {
	if len(header) == 0 || string(header) == "*/*" || bytes.Equal(header, typeJSON) {
		return offered[0], nil
	}
	accept := strings.ToLower(string(header))
	best, bestScore := -1, 0
	for i := range offered {
		if score := scoreOf(accept, offered[i].Name); score > bestScore {
			best, bestScore = i, score
		}
	}
	if best >= 0 {
		return offered[best], nil
	}
	return Media{}, fault.NotAcceptable.New(
		"Accept "+fault.Quote(string(header))+" can't be served; available: "+names(offered), nil)
}

// scoreOf ranks one media type under an Accept header: q in thousandths times ten, plus how exactly it was named. The
// most exact range decides, also against a wildcard; 0 is not acceptable.
func scoreOf(accept, media string) int {
	family, _, _ := strings.Cut(media, "/")
	exact, score := 0, 0
	for item := range strings.SplitSeq(accept, ",") {
		name, params, _ := strings.Cut(item, ";")
		level := 0
		switch strings.TrimSpace(name) {
		case media:
			level = 3
		case family + "/*":
			level = 2
		case "*/*", "*":
			level = 1
		}
		if level > exact {
			exact, score = level, 0
			if q := quality(params); q > 0 {
				score = q*10 + level
			}
		}
	}
	return score
}

// quality reads q from the parameters of a list item, in thousandths; absent or unreadable is 1000.
func quality(params string) int {
	for param := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(param, "=")
		if strings.TrimSpace(name) != "q" {
			continue
		}
		q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || !(q <= 1) { // NaN is neither
			return 1000
		}
		return max(int(q*1000), 0)
	}
	return 1000
}
