package request

import (
	"net/url"
	"strings"

	"flashq/http/fault"
)

const (
	// MaxTopicName is Kafka's limit: name-0 must fit a file name.
	MaxTopicName = 249
	// MaxGroupName is Kafka's limit, too, and that of a member.
	MaxGroupName = 255
)

// PathName gives a name as it stands in a path, which the router hands out raw, without its escapes, checked; field
// says what it names: "topic", "group" or "member". A client may escape what needs none, as in %61 for a. What an
// escape stands for is judged too, so an escaped slash is a name that is refused.
func PathName(field, segment string) (string, error) {
	name := segment
	if plain, err := url.PathUnescape(segment); err == nil {
		name = plain
	}
	return name, CheckName(field, name)
}

// CheckName refuses a name that can't be that of a topic, a group or a member; field says which.
func CheckName(field, name string) error {
	limit := MaxGroupName
	if field == "topic" {
		limit = MaxTopicName
	}
	why := badName(name, limit)
	if why == "" {
		return nil
	}
	return fault.OutOfRange.New("The name "+fault.Quote(name)+" of a "+field+" "+why,
		fault.Details{"field": field, "max_size": limit, "actual_size": len(name)})
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
