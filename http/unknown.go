package http

import (
	"strings"

	"github.com/agnivade/levenshtein"
	"github.com/valyala/fasthttp"

	"flashq/http/fault"
)

// surface is what is known of all routes, for those who missed one.
type surface []route

// near finds the pattern that was probably meant by a path that has no route; "" where none is near.
func (s surface) near(path string) string {
	const most = 2 // letters that may be wrong
	asked := strings.Split(strings.Trim(path, "/"), "/")
	best, least := "", most+1
	for i := range s {
		if d := distance(asked, strings.Split(strings.Trim(s[i].pattern, "/"), "/")); d < least {
			best, least = s[i].pattern, d
		}
	}
	return best
}

// distance is how many letters a path is away from a pattern, whose names stand for anything.
func distance(path, pattern []string) (letters int) {
	const far = 1 << 10
	if len(path) != len(pattern) {
		return far
	}
	for i, part := range pattern {
		switch {
		case strings.HasPrefix(part, "{") && path[i] != "":
		case len(path[i]) > 2*len(part)+2:
			return far
		default:
			letters += levenshtein.ComputeDistance(path[i], part)
		}
	}
	return letters
}

// notFound answers a path that has no route.
func (s surface) notFound(path string) error {
	message := "No route " + fault.Quote(path)
	if near := s.near(path); near != "" {
		message += "; did you mean '" + near + "'?"
	}
	return fault.NotFound.New(message, nil)
}

// notAllowed answers a method that the path doesn't take.
func notAllowed(ctx *fasthttp.RequestCtx) error {
	message := "This route takes " + string(ctx.Response.Header.Peek("Allow"))
	switch string(ctx.Path()) {
	case "/topics":
		message += "; to make a topic: PUT /topics/{topic}"
	case "/groups":
		message += "; to make a group: PUT /groups/{group}"
	}
	return fault.MethodNotAllowed.New(message, nil)
}
