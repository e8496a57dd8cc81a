package cli

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// partitions is the flag -p of commands that read or write a topic: 0, or several as 0,2. None is all.
type partitions []int

// String implements pflag.Value.
func (p *partitions) String() string {
	list := make([]string, len(*p))
	for i, n := range *p {
		list[i] = strconv.Itoa(n)
	}
	return strings.Join(list, ",")
}

// Type implements pflag.Value.
func (*partitions) Type() string { return "partitions" }

// Set implements pflag.Value. Given again it adds.
func (p *partitions) Set(text string) error {
	for item := range strings.SplitSeq(text, ",") {
		n, err := strconv.ParseUint(strings.TrimSpace(item), 10, 64)
		if err != nil || n > math.MaxInt32 {
			return errors.New("allowed: a partition such as 0, or several as 0,2")
		}
		if !slices.Contains(*p, int(n)) {
			*p = append(*p, int(n))
		}
	}
	return nil
}

// check holds what was asked for against how many partitions a topic has.
func (p partitions) check(topic string, there int) error {
	for _, n := range p {
		if n < there {
			continue
		}
		return wrongInput("-p %d; topic %s has %s%s", n, topic, partitionsOf(there), p.portHint())
	}
	return nil
}

func partitionsOf(n int) string {
	if n == 1 {
		return "partition 0 alone"
	}
	return fmt.Sprintf("the partitions 0 to %d", n-1)
}

// portHint is said where -p leads nowhere and its number could be a port, which -p is in commands without records.
func (p partitions) portHint() string {
	for _, n := range p {
		if n == 80 || n == 443 || n >= 1024 && n <= math.MaxUint16 {
			return fmt.Sprintf("; -p is a partition here, the broker's port is --port %d", n)
		}
	}
	return ""
}
