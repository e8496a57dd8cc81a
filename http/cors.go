package http

import (
	"bytes"
	"errors"
	"net/netip"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"

	"flashq/http/fetch"
)

// origins are the web pages of elsewhere that may talk to the broker (CORS), as browsers write them: scheme, host and
// port. nil lets none in, and says nothing of it. Set before serving.
type origins map[string]struct{}

func newOrigins(listed []string) origins {
	if len(listed) == 0 {
		return nil
	}
	o := origins{}
	for _, text := range listed {
		if origin, err := ParseOrigin(text); err == nil { // who configures has asked
			o[origin] = struct{}{}
		}
	}
	return o
}

var errOrigin = errors.New("allowed: scheme://host or scheme://host:port, such as http://localhost:3000")

// ParseOrigin gives an origin as browsers send it.
func ParseOrigin(text string) (string, error) {
	scheme, host, ok := strings.Cut(strings.ToLower(text), "://")
	if !ok || !consistsOf(scheme, "+-.") || scheme == "" {
		return "", errOrigin
	}
	name, port := splitPort(host)
	if inside, ok := strings.CutPrefix(name, "["); ok {
		inside, ok = strings.CutSuffix(inside, "]")
		ip, err := netip.ParseAddr(inside)
		if err != nil || !ok || !ip.Is6() || ip.Zone() != "" {
			return "", errOrigin
		}
		name = "[" + ip.String() + "]"
	} else if name == "" || !consistsOf(name, "-._") {
		return "", errOrigin
	}
	if strings.HasSuffix(host, ":") || port != "" && !isPort(port) {
		return "", errOrigin
	}
	if port == "" || scheme == "http" && port == "80" || scheme == "https" && port == "443" {
		return scheme + "://" + name, nil
	}
	return scheme + "://" + name + ":" + port, nil
}

func isPort(text string) bool {
	n, err := strconv.ParseUint(text, 10, 16)
	return err == nil && n > 0 && strconv.FormatUint(n, 10) == text
}

// consistsOf tells whether text has letters of the small alphabet, digits and some signs only.
func consistsOf(text, signs string) bool {
	for i := range len(text) {
		if c := text[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && strings.IndexByte(signs, c) < 0 {
			return false
		}
	}
	return true
}

func (o origins) has(origin []byte) bool {
	_, listed := o[string(origin)]
	return listed
}

// exposed are the headers of answers that a page of elsewhere gets to see, beside those that it always does and those
// that carry a record's own.
const exposed = "FlashQ-Beyond, FlashQ-Error, FlashQ-Gap, FlashQ-Headers-Omitted, FlashQ-Key, FlashQ-Key-Base64, " +
	"FlashQ-Key-Omitted, FlashQ-Offset, FlashQ-Partition, FlashQ-Position, FlashQ-Request-Id, FlashQ-Timestamp, " +
	"FlashQ-Tombstone, Idempotency-Replayed, Retry-After, Allow, Accept-Encoding, WWW-Authenticate"

const (
	allowOrigin   = "Access-Control-Allow-Origin"
	exposeHeaders = "Access-Control-Expose-Headers"
	// preflightAge is for how long a browser need not ask again, in seconds.
	preflightAge = "7200"
	// anyMethods is for a path that has no route: the page is to see the 404.
	anyMethods = "GET, HEAD, POST, PUT, DELETE"
)

// tell lets a page of a listed origin see the answer, whatever it is. An answer depends on the origin then, also where
// none was sent.
func (o origins) tell(ctx *fasthttp.RequestCtx, origin []byte) {
	if o == nil {
		return
	}
	h := &ctx.Response.Header
	h.SetCanonical(headerVary, valueVaryOrigin)
	if o.has(origin) {
		h.SetBytesV(allowOrigin, origin)
		h.Set(exposeHeaders, exposed)
	}
}

// tellRecord lets the page see the headers of a record, too, whose names nobody knew before.
func (o origins) tellRecord(ctx *fasthttp.RequestCtx) {
	h := &ctx.Response.Header
	if o == nil || len(h.Peek(allowOrigin)) == 0 {
		return
	}
	var names []byte
	for name := range h.All() {
		if bytes.HasPrefix(name, recordHeader) {
			names = append(append(names, name...), ", "...)
		}
	}
	if names != nil {
		h.SetBytesV(exposeHeaders, append(names, exposed...))
	}
}

var recordHeader = []byte(fetch.RecordHeader)

// preflight answers what a browser asks before a page's request: whether a method and headers are allowed. It gives
// false where it is none of a listed origin's.
func (o origins) preflight(ctx *fasthttp.RequestCtx, methods string) bool {
	asked := &ctx.Request.Header
	if !ctx.IsOptions() || len(asked.Peek("Access-Control-Request-Method")) == 0 || !o.has(asked.Peek("Origin")) {
		return false
	}
	h := &ctx.Response.Header
	h.Set("Access-Control-Allow-Methods", methods)
	if headers := asked.Peek("Access-Control-Request-Headers"); len(headers) > 0 {
		h.SetBytesV("Access-Control-Allow-Headers", headers)
	}
	h.Set("Access-Control-Max-Age", preflightAge)
	ctx.Response.SetStatusCode(fasthttp.StatusNoContent)
	return true
}
