package cli

import (
	"errors"
	"strings"
)

// prefixes is a flag that takes beginnings of names: nil until it is given. An empty one would begin every name, and is
// more likely a slip (a comma too many, a variable that is not set) than meant: every one is everyName.
type prefixes []string

// everyName stands for every name.
const everyName = "*"

var errNoPrefix = errors.New(
	"allowed: a prefix, or several as a.,b.; '" + everyName + "', or the flag left out, is every one")

// String implements pflag.Value.
func (p *prefixes) String() string { return strings.Join(*p, ",") }

// Type implements pflag.Value.
func (p *prefixes) Type() string { return "stringSlice" }

// Set implements pflag.Value.
func (p *prefixes) Set(text string) error {
	list := strings.Split(text, ",")
	for i, prefix := range list {
		switch prefix {
		case "":
			return errNoPrefix
		case everyName:
			list[i] = ""
		}
	}
	*p = append(*p, list...)
	return nil
}
