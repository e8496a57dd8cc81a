package http

import (
	"net/url"
	"strings"

	"github.com/valyala/fasthttp"
)

// maxTopicName is Kafka's limit: name-0 must fit a file name.
const maxTopicName = 249

// maxGroupName is Kafka's limit, too, and that of a member.
const maxGroupName = 255

// topicName gives the path's topic, checked. The router hands out the raw path segment.
func topicName(ctx *fasthttp.RequestCtx) (string, error) {
	name := pathName(ctx, "topic")
	return name, checkName("topic", name, maxTopicName)
}

// groupName gives the path's group, checked.
func groupName(ctx *fasthttp.RequestCtx) (string, error) {
	name := pathName(ctx, "group")
	return name, checkName("group", name, maxGroupName)
}

// memberName gives the path's member, checked.
func memberName(ctx *fasthttp.RequestCtx) (string, error) {
	name := pathName(ctx, "member")
	return name, checkName("member", name, maxGroupName)
}

func pathName(ctx *fasthttp.RequestCtx, param string) string {
	name, _ := ctx.UserValue(param).(string)
	return unescaped(name)
}

// unescaped gives a segment of the path without its escapes: a client may escape what needs none, as in %61 for a. What
// it may stand for is judged behind that, so an escaped slash is a name that is refused.
func unescaped(name string) string {
	if plain, err := url.PathUnescape(name); err == nil {
		return plain
	}
	return name
}

// checkName refuses a name of a topic, group or member; field says which.
func checkName(field, name string, limit int) error {
	why := badName(name, limit)
	if why == "" {
		return nil
	}
	return &apiError{
		status: 400, code: "validation_error", message: "The name " + quote(name) + " of a " + field + " " + why,
		details: details{"field": field, "max_size": limit, "actual_size": len(name)},
	}
}

// badName tells what is wrong with a name that becomes a folder; "" is fine.
func badName(name string, limit int) string {
	switch {
	case name == "":
		return "is empty"
	case len(name) > limit:
		return "is too long"
	case name == "." || strings.Contains(name, ".."):
		return "must not be '.' or contain '..'"
	case name[0] == '-':
		return "must not start with '-'"
	case strings.HasPrefix(name, "__"):
		return "is reserved: names starting with '__' are internal"
	}
	for i := range len(name) {
		if !nameByte(name[i]) {
			return "may hold only A-Z a-z 0-9 . _ -"
		}
	}
	return ""
}

func nameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '.' || c == '_' || c == '-'
}

// quote shows what a client sent within a message.
func quote(s string) string { return "'" + clip(s) + "'" }

// clip cuts what a client sent to a length that is worth sending back.
func clip(s string) string {
	const most = 80
	if len(s) > most {
		s = s[:most] + "..."
	}
	return strings.ToValidUTF8(s, "?")
}
