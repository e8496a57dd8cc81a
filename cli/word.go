package cli

import (
	"fmt"
	"slices"
	"strings"
)

// word is a flag that takes one of a few words.
type word struct {
	value   string
	allowed []string
}

func newWord(def string, others ...string) *word {
	return &word{value: def, allowed: append([]string{def}, others...)}
}

// String implements pflag.Value.
func (c *word) String() string { return c.value }

// Type implements pflag.Value.
func (c *word) Type() string { return strings.Join(c.allowed, "|") }

// Set implements pflag.Value.
func (c *word) Set(s string) error {
	if !slices.Contains(c.allowed, s) {
		return fmt.Errorf("allowed: %s", strings.Join(c.allowed, ", "))
	}
	c.value = s
	return nil
}
