package auth

import (
	"slices"
	"strings"
)

// Token is one who asks. It never changes: where the file says something else of a name, that is another Token. A nil
// one is nobody, and may do what is open.
type Token struct {
	entry Entry

	scopes  Scopes
	digest  [digestSize]byte
	revoked chan struct{} // closed when the file has this no more; nil: never
}

// Anyone is who asks where no tokens are asked for, and may do everything.
var Anyone = &Token{
	entry: Entry{Topics: []string{""}, Groups: []string{""}}, scopes: 1<<Read | 1<<Write | 1<<Admin,
}

// Name is the principal; "" of Anyone, and of nobody.
func (t *Token) Name() string {
	if t == nil {
		return ""
	}
	return t.entry.Name
}

// May tells whether the token has the scope, for some topics and groups at least.
func (t *Token) May(s Scope) bool {
	switch {
	case s == Open:
		return true
	case t == nil || !t.scopes.allow(s):
		return false
	}
	return s != ReadAll || t.All()
}

// All tells whether the token is good for every topic and group.
func (t *Token) All() bool {
	return t != nil && slices.Contains(t.entry.Topics, "") && slices.Contains(t.entry.Groups, "")
}

// MayTopic tells whether the token has the scope on a topic.
func (t *Token) MayTopic(s Scope, topic string) bool {
	return t.May(s) && t != nil && begins(topic, t.entry.Topics)
}

// MayGroup tells whether the token has the scope on a group.
func (t *Token) MayGroup(s Scope, group string) bool {
	return t.May(s) && t != nil && begins(group, t.entry.Groups)
}

func begins(name string, prefixes []string) bool {
	for _, p := range prefixes {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}

// Revoked is closed when the token is not good any more, or not for the same: what goes on for it has to end.
func (t *Token) Revoked() <-chan struct{} {
	if t == nil {
		return nil
	}
	return t.revoked
}

// same tells whether the file says of both the same.
func (t *Token) same(other *Token) bool {
	return t.entry.Name == other.entry.Name && t.scopes == other.scopes && t.digest == other.digest &&
		slices.Equal(t.entry.Topics, other.entry.Topics) && slices.Equal(t.entry.Groups, other.entry.Groups)
}
