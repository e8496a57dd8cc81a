package http

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"
)

var typeJSON = []byte("application/json")

// format is the shape of records in a body or an answer.
type format int

const (
	formatJSON format = iota
	formatNDJSON
)

// formats are the media types of records, best first.
var formats = []struct {
	name string
	format
}{
	{"application/json", formatJSON},
	{"application/x-ndjson", formatNDJSON},
	{"application/jsonl", formatNDJSON},
}

const acceptedFormats = "application/json, application/x-ndjson, application/jsonl"

// bodyFormat judges a request's Content-Type.
func bodyFormat(ctx *fasthttp.RequestCtx) (format, error) {
	value := ctx.Request.Header.ContentType()
	if bytes.Equal(value, typeJSON) {
		return formatJSON, nil
	}
	media, params, _ := strings.Cut(string(value), ";")
	media = strings.ToLower(strings.TrimSpace(media))
	for _, f := range formats {
		if f.name == media {
			return f.format, checkCharset(params)
		}
	}
	return 0, unsupportedMedia(media)
}

func unsupportedMedia(media string) error {
	message := "Content-Type " + quote(media) + " is not accepted; send " + acceptedFormats
	switch media {
	case "":
		message = "Content-Type is missing; send " + acceptedFormats
	case "application/x-www-form-urlencoded":
		message = "Content-Type is a form's, which is curl's default; add -H 'Content-Type: application/json'. Accepted: " +
			acceptedFormats
	}
	return &apiError{status: 415, code: "unsupported_media_type", message: message}
}

// checkCharset takes UTF-8 only; other parameters mean nothing here.
func checkCharset(params string) error {
	for param := range strings.SplitSeq(params, ";") {
		name, value, _ := strings.Cut(param, "=")
		value = strings.Trim(strings.TrimSpace(value), `"`)
		if strings.EqualFold(strings.TrimSpace(name), "charset") && !strings.EqualFold(value, "utf-8") &&
			!strings.EqualFold(value, "utf8") {
			return &apiError{
				status: 415, code: "unsupported_media_type",
				message: "charset " + quote(value) + " is not accepted; send UTF-8",
			}
		}
	}
	return nil
}

// wantJSON refuses a client that takes no JSON answer.
func wantJSON(ctx *fasthttp.RequestCtx) error {
	_, err := negotiate(ctx, 1)
	return err
}

// wantRecords picks the format of an answer that is records: an index into formats.
func wantRecords(ctx *fasthttp.RequestCtx) (int, error) { return negotiate(ctx, len(formats)) }

// negotiate picks among the first n formats what the Accept header likes best: the highest q, then the one that was
// named more exactly, then ours.
func negotiate(ctx *fasthttp.RequestCtx, n int) (int, error) {
	value := ctx.Request.Header.Peek("Accept")
	if len(value) == 0 || string(value) == "*/*" || bytes.Equal(value, typeJSON) {
		return 0, nil
	}
	accept := strings.ToLower(string(value))
	best, bestScore := -1, 0
	for i := range n {
		if score := scoreOf(accept, formats[i].name); score > bestScore {
			best, bestScore = i, score
		}
	}
	if best >= 0 {
		return best, nil
	}
	offered := formats[0].name
	if n > 1 {
		offered = acceptedFormats
	}
	return 0, &apiError{
		status: 406, code: "not_acceptable",
		message: "Accept " + quote(string(value)) + " can't be served; available: " + offered,
	}
}

// scoreOf ranks one media type under an Accept header: q in thousandths times ten, plus how exactly it was named. The
// most exact range decides, also against a wildcard; 0 is not acceptable.
func scoreOf(accept, media string) int {
	exact, score := 0, 0
	for item := range strings.SplitSeq(accept, ",") {
		name, params, _ := strings.Cut(item, ";")
		level := 0
		switch strings.TrimSpace(name) {
		case media:
			level = 3
		case "application/*":
			level = 2
		case "*/*":
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
		if err != nil || q > 1 {
			return 1000
		}
		return max(int(q*1000), 0)
	}
	return 1000
}
