package http

import (
	"encoding/json"
	"errors"
	"iter"
	"net"
	"reflect"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"

	"flashq/budget"
	"flashq/http/conn"
	"flashq/http/fault"
	"flashq/slab"
)

// smallAnswer is the size in bytes up to which an answer doesn't count: a connection keeps as much for it anyway.
const smallAnswer = 4 << 10

// list is a list in an answer that may be long. As a member of a handler's answer it is encoded item by item, so that
// it is counted while it grows, and nowhere twice.
type list[T any] []T

func (l list[T]) items() iter.Seq[any] {
	return func(yield func(any) bool) {
		for i := range l {
			if !yield(&l[i]) {
				return
			}
		}
	}
}

// Item is for the schema.
func (list[T]) Item() reflect.Type { return reflect.TypeFor[T]() }

// cutAt is part of an answer that is a list which goes on after an item, where it was cut off.
type cutAt struct {
	Next string `json:"next,omitempty" doc:"what after= takes to go on; not there where nothing is left" example:"news"`
}

// errNoRoom is returned for an answer that the budget has no room for.
var errNoRoom = errors.New("no room for the answer")

// answerText is an answer that is written into a slab, which counts as it grows.
type answerText struct {
	slab []byte
	hold budget.Lease
	enc  *json.Encoder

	conn     net.Conn
	presence conn.Presence
}

func (s *Server) newAnswerText(ctx *fasthttp.RequestCtx) *answerText {
	t := &answerText{slab: slab.Get(smallAnswer), hold: s.holdAnswer(ctx), conn: ctx.Conn()}
	t.enc = json.NewEncoder(t)
	t.enc.SetEscapeHTML(false)
	return t
}

// holdAnswer gives a lease for the answer of a request.
func (s *Server) holdAnswer(ctx *fasthttp.RequestCtx) budget.Lease {
	return s.bounds.answers.Lease(conn.ShareOf(ctx.Conn()))
}

// drop lets go of an answer that is not sent.
func (t *answerText) drop() {
	slab.Put(t.slab)
	t.hold.End()
}

// Write implements io.Writer.
func (t *answerText) Write(p []byte) (int, error) {
	if need := len(t.slab) + len(p); need > cap(t.slab) {
		room := max(need, 2*cap(t.slab))
		if !t.hold.Raise(room) {
			return 0, errNoRoom
		}
		t.slab = slab.Grow(t.slab, room-len(t.slab))
	}
	t.slab = append(t.slab, p...)
	return len(p), nil
}

// encode writes what encoding/json makes of v. A struct is what a handler returned, and is written member by member.
func (t *answerText) encode(v any) error {
	switch long := v.(type) {
	case interface{ items() iter.Seq[any] }:
		return t.list(long.items())
	case json.Marshaler:
	default:
		if view := reflect.ValueOf(v); view.Kind() == reflect.Struct {
			return t.object(view)
		}
	}
	err := t.enc.Encode(v)
	switch {
	case errors.Is(err, errNoRoom):
		return err
	case err != nil:
		panic("http: answer has no JSON: " + err.Error()) // our own types only: a broken invariant
	}
	t.slab = t.slab[:len(t.slab)-1] // the encoder ends a line
	return nil
}

func (t *answerText) object(view reflect.Value) error {
	sign := byte('{')
	if err := t.members(view, &sign); err != nil {
		return err
	}
	if sign == '{' {
		if err := t.put(sign); err != nil {
			return err
		}
	}
	return t.put('}')
}

// members writes the members of a struct, as encoding/json would; sign goes before the next one.
func (t *answerText) members(view reflect.Value, sign *byte) error {
	for i := range view.NumField() {
		field, value := view.Type().Field(i), view.Field(i)
		if field.Anonymous {
			if err := t.members(value, sign); err != nil {
				return err
			}
			continue
		}
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if options == "omitempty" && value.IsZero() {
			continue
		}
		_, err := t.Write([]byte{*sign, '"'})
		*sign = ','
		if err == nil {
			_, err = t.Write([]byte(name + `":`))
		}
		if err == nil {
			err = t.encode(value.Interface())
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *answerText) list(items iter.Seq[any]) error {
	if err := t.put('['); err != nil {
		return err
	}
	first := true
	for item := range items {
		if t.presence.Left(t.conn) {
			return clientLeft()
		}
		if !first {
			if err := t.put(','); err != nil {
				return err
			}
		}
		first = false
		if err := t.encode(item); err != nil {
			return err
		}
	}
	return t.put(']')
}

func (t *answerText) put(sign byte) error {
	_, err := t.Write([]byte{sign})
	return err
}

// writeJSON answers with what encoding/json makes of v: for everything that is not records. Where there is no room for
// it, or nobody waits for it any more, it answers nothing.
func (s *Server) writeJSON(ctx *fasthttp.RequestCtx, status int, v any) error {
	t := s.newAnswerText(ctx)
	err := t.encode(v)
	if err == nil {
		err = t.put('\n') // so that a shell's prompt stands on a line of its own
	}
	if err != nil {
		t.drop()
		return err
	}
	ctx.Response.SetStatusCode(status)
	ctx.Response.Header.SetContentType("application/json")
	conn.Lend(ctx, t.slab, &t.hold)
	return nil
}

var headerChallenge = []byte("WWW-Authenticate")

// writeError writes the contract's one error shape. Details that there is no room for stay away.
func (s *Server) writeError(ctx *fasthttp.RequestCtx, e *fault.Error) {
	s.observer.rejected[e.Kind].Inc()
	if e.Kind.Retryable {
		ctx.Response.Header.Set("Retry-After", strconv.Itoa(e.RetryAfter()))
	}
	if e.Accepts != "" {
		ctx.Response.Header.Set("Accept-Encoding", e.Accepts)
	}
	if e.Challenge != "" {
		ctx.Response.Header.SetCanonical(headerChallenge, []byte(e.Challenge)) // spelled as people know it
	}
	if s.writeJSON(ctx, e.Kind.Status, e) != nil {
		_ = s.writeJSON(ctx, e.Kind.Status, e.Kind.New(fault.Clip(e.Message), nil)) // which is small
	}
}

// answersWait refuses an answer that there is no room for; done tells that what was asked for has happened all the
// same.
func answersWait(done bool) error {
	if done {
		return fault.Overloaded.New(
			"It is done, but too many bytes of answers are being sent to say what came of it; the same request again tells", nil)
	}
	return fault.Overloaded.New("Too many bytes of answers are being sent; nothing was stored", nil)
}
