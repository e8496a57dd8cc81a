package http

import (
	"bytes"
	"slices"

	"github.com/valyala/fasthttp"

	"flashq/auth"
	"flashq/http/fault"
	"flashq/http/request"
)

// authorize finds out who asks, and refuses who may not do what the route does to what its path names. What else a
// request names is its handler's to ask about: mayTopic and mayGroup, or sees and seesGroup where the answer is a list.
func (s *Server) authorize(c *call, r *route, query []byte) error {
	switch {
	case s.cfg.Tokens == nil:
		c.who = auth.Anyone
		return nil
	case r.scope == auth.Open:
		return nil
	}
	secret, err := c.secret(r, query)
	if err != nil {
		return err
	}
	if c.who = s.cfg.Tokens.Find(secret); c.who == nil {
		return fault.TokenUnknown()
	}
	return c.mayOnPath(r.scope)
}

// authorizeAgain refuses who was let in, and may not do it any more: a body may take its time, and what a token began
// must not happen after it was revoked.
func (s *Server) authorizeAgain(c *call) error {
	select {
	case <-c.who.Revoked():
		return s.authorize(c, c.route, c.ctx.URI().QueryString())
	default:
		return nil
	}
}

// secret is the token that the request was sent with.
func (c *call) secret(r *route, query []byte) ([]byte, error) {
	if len(c.head.Authorization) > 0 {
		if token := bearer(c.head.Authorization); token != nil {
			return token, nil
		}
		return nil, fault.TokenMissing("Authorization is not 'Bearer' and one token")
	}
	if token := c.secretOfStream(r, query); token != nil {
		return token, nil
	}
	what := "This takes a token"
	if bytes.Contains(query, []byte(request.TokenParam)) {
		what = "'" + request.TokenParam + "' is for streams of events alone (Accept: text/event-stream); this takes a token"
	}
	return nil, fault.TokenMissing(what)
}

// secretOfStream is the token of a browser's stream of events, which can't say it in a header; nil is none.
func (c *call) secretOfStream(r *route, query []byte) []byte {
	if !r.takes(request.TokenParam) {
		return nil
	}
	if media, err := request.Negotiate(c.head.Accept, r.answers); err != nil || media.Format != request.Events {
		return nil
	}
	args := fasthttp.AcquireArgs() // a request would keep its own for as long as the connection lives
	defer fasthttp.ReleaseArgs(args)
	args.ParseBytes(query)
	return bytes.Clone(args.Peek(request.TokenParam))
}

var schemeBearer = []byte("bearer")

// bearer gives the token of an Authorization header; nil is a header of another form.
func bearer(header []byte) []byte {
	scheme, rest, _ := bytes.Cut(header, []byte{' '})
	token := bytes.Trim(rest, " ")
	if !bytes.EqualFold(scheme, schemeBearer) || len(token) == 0 || bytes.ContainsAny(token, " ,\t") {
		return nil
	}
	return token
}

// mayOnPath refuses a caller without the scope on all that the path names.
func (c *call) mayOnPath(what auth.Scope) error {
	if c.names.topic != "" {
		if err := c.mayTopic(what, c.names.topic); err != nil {
			return err
		}
	}
	if c.names.group != "" {
		return c.mayGroup(what, c.names.group)
	}
	if !c.who.May(what) {
		return c.forbidden(what, "", "")
	}
	return nil
}

// mayTopic refuses a caller without the scope on a topic.
func (c *call) mayTopic(what auth.Scope, topic string) error {
	if c.who.MayTopic(what, topic) {
		return nil
	}
	return c.forbidden(what, "topic", topic)
}

// mayGroup refuses a caller without the scope on a group.
func (c *call) mayGroup(what auth.Scope, group string) error {
	if c.who.MayGroup(what, group) {
		return nil
	}
	return c.forbidden(what, "group", group)
}

// forbidden says which scope is missing, on what. kind is "" where it is not about one name.
func (c *call) forbidden(what auth.Scope, kind, name string) error {
	about := fault.Details{"token": c.who.Name(), "scope": what.String()}
	on := ""
	switch {
	case kind != "":
		about[kind] = name
		on = " on " + kind + " '" + name + "'"
	case what == auth.ReadAll:
		on = " on every topic and group"
	}
	return fault.Forbidden.New("Token '"+c.who.Name()+"' does not have scope '"+what.String()+"'"+on+
		"; flashq token list shows what it has, edit its scopes in that file, "+
		"or flashq token create --replace makes a new token", about)
}

// sees tells whether a topic stands in lists for the caller.
func (c *call) sees(topic string) bool { return c.who.MayTopic(auth.Read, topic) }

// seesGroup tells whether a group does.
func (c *call) seesGroup(group string) bool { return c.who.MayGroup(auth.Read, group) }

// only gives those of a list that a caller sees; the list stays as it is.
func only[T any](list []T, sees func(T) bool) []T {
	hidden := func(item T) bool { return !sees(item) }
	if !slices.ContainsFunc(list, hidden) {
		return list
	}
	return slices.DeleteFunc(slices.Clone(list), hidden)
}
