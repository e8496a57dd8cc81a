package http

import (
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// wholeRun tells that all tests ran: what some of them have not shown means nothing.
func wholeRun() bool {
	for _, name := range []string{"test.run", "test.skip", "test.bench", "test.fuzz", "test.list"} {
		if f := flag.Lookup(name); f != nil && f.Value.String() != "" {
			return false
		}
	}
	return true
}

// report tells what the document promises and no test has seen, as an exit code.
func (c *contract) report() (code int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, p := range c.promises() {
		switch why, excepted := notSeenHere[p]; {
		case !excepted && !c.seen[p]:
			fmt.Println("documented, and seen by no test:", p)
			code = 1
		case excepted && c.seen[p]:
			fmt.Println("is seen, and need not be excepted:", p, "for", why)
			code = 1
		}
	}
	return code
}

// promises lists what the document says. What an operation alone says has to be seen there, what it shares anywhere: the
// headers of all answers, errors that any route answers alike (everyFault), and what the aliases do by the handlers of
// the canonical routes.
func (c *contract) promises() (all []string) {
	add := func(about ...string) { all = append(all, strings.Join(about, " ")) }
	for _, row := range New(Config{}).table {
		o := c.document.Paths.Value(row.pattern).GetOperation(row.method)
		for _, k := range row.faults {
			add(sharedID(row.id), strconv.Itoa(k.Status), k.Code)
		}
		for _, p := range o.Parameters {
			if p.Value.In == "header" {
				add("header", p.Value.Name, "of a request")
				continue
			}
			add(sharedID(row.id), p.Value.In, p.Value.Name)
		}
		if o.RequestBody != nil {
			for media := range o.RequestBody.Value.Content {
				add(sharedID(row.id), "body", media)
			}
		}
		for status, r := range o.Responses.Map() {
			for name := range r.Value.Headers {
				add("header", name)
			}
			for media, content := range r.Value.Content {
				if status < "300" {
					add(sharedID(row.id), status, media)
				}
				for code := range content.Examples {
					add("any", status, code)
				}
			}
			if status < "300" {
				add(row.id, status)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// sharedID is the operation whose handler serves another one, too.
func sharedID(id string) string {
	switch id {
	case "aliasFetchRecords", "aliasFetchRecordsFrom":
		return "fetchRecords"
	case "aliasProduceRecords":
		return "produceRecords"
	}
	return id
}

// see remembers that a test has shown something of an operation.
func (o *operation) see(about ...string) {
	o.contract.see(append([]string{sharedID(o.id)}, about...)...)
}

// notSeenHere are promises that no test of this package keeps, with why.
var notSeenHere = map[string]string{}
