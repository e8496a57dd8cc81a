package auth

import (
	"fmt"
	"slices"
	"strings"
)

// Scope is what is to be done, and what a token is good for. The zero value is none: nobody may do what has it.
type Scope uint8

const (
	none Scope = iota
	// Open is for everybody, with a token or without; no token has it.
	Open
	// Read is reading records, and all that a group does about them.
	Read
	// Write is appending records.
	Write
	// Admin is making, changing and deleting topics and groups, and what Read and Write are, too.
	Admin
	// ReadAll is what shows something of every topic and group: Read by a token without prefixes. No token has it.
	ReadAll
)

var scopeNames = []string{Open: "open", Read: "read", Write: "write", Admin: "admin", ReadAll: "read"}

// String gives the name of the scope that a token needs.
func (s Scope) String() string {
	if int(s) < len(scopeNames) && s != none {
		return scopeNames[s]
	}
	return "none"
}

// grantable are the scopes that a token can have.
var grantable = []Scope{Read, Write, Admin}

// Scopes is a set of scopes that a token has.
type Scopes uint8

func (s Scopes) has(one Scope) bool { return s&(1<<one) != 0 }

// allow tells whether the scopes are enough: Admin is every other, too.
func (s Scopes) allow(what Scope) bool {
	switch what {
	case Open:
		return true
	case Read, ReadAll:
		return s.has(Read) || s.has(Admin)
	case Write:
		return s.has(Write) || s.has(Admin)
	case Admin:
		return s.has(Admin)
	}
	return false
}

// Names lists the scopes.
func (s Scopes) Names() (names []string) {
	for _, one := range grantable {
		if s.has(one) {
			names = append(names, one.String())
		}
	}
	return names
}

// ParseScopes reads names of scopes: at least one, none twice.
func ParseScopes(names []string) (all Scopes, err error) {
	for _, name := range names {
		i := slices.IndexFunc(grantable, func(s Scope) bool { return s.String() == name })
		if i < 0 {
			return 0, fmt.Errorf("scope %q; allowed: %s", clip(name), strings.Join(Scopes(^uint8(0)).Names(), ", "))
		}
		one := grantable[i]
		if all.has(one) {
			return 0, fmt.Errorf("scope %q stands twice", name)
		}
		all |= 1 << one
	}
	if all == 0 {
		return 0, fmt.Errorf("no scope; allowed: %s", strings.Join(Scopes(^uint8(0)).Names(), ", "))
	}
	return all, nil
}
