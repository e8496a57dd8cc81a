package request

import (
	"slices"
	"strings"
	"time"

	"github.com/valyala/fasthttp"

	"flashq/http/fault"
	"flashq/http/near"
	"flashq/http/schema"
)

// Params are the query parameters that a route takes; what they say goes into a Q.
type Params[Q any] []Param[Q]

// Param is one query parameter.
type Param[Q any] struct {
	Name string
	Axis string // what it is about, for people: "start", "how much"
	// Type is what its value may be, and a line for people. Value.Int and Value.Word judge by it.
	Type *schema.Schema
	Set  func(q *Q, v Value) error
	// EmptyIsNone takes an empty value as if the parameter were not there: a client's loop needs no special first round.
	EmptyIsNone bool
}

// Names lists the parameters.
func (p Params[Q]) Names() []string {
	names := make([]string, len(p))
	for i := range p {
		names[i] = p[i].Name
	}
	return names
}

// Typed is what is known of a parameter without the Q that it goes into.
type Typed struct {
	Name string
	Axis string
	Type *schema.Schema
	// EmptyIsNone: an empty value is as if the parameter were not there.
	EmptyIsNone bool
}

// Typed lists what is known of the parameters.
func (p Params[Q]) Typed() []Typed {
	all := make([]Typed, len(p))
	for i := range p {
		all[i] = Typed{p[i].Name, p[i].Axis, p[i].Type, p[i].EmptyIsNone}
	}
	return all
}

// Parse walks a query strictly: a name that is not taken and a name that stands twice are errors, since a typo must not
// silently mean "default".
func (p Params[Q]) Parse(query []byte, q *Q) error {
	if len(query) == 0 {
		return nil
	}
	args := fasthttp.AcquireArgs() // a request would keep its own for as long as the connection lives
	defer fasthttp.ReleaseArgs(args)
	args.ParseBytes(query)
	now := time.Now().UnixMilli()
	seen := uint64(0)
	for name, value := range args.All() {
		if len(name) == 0 && len(value) == 0 {
			continue // as in ?a=1&&b=2
		}
		i := slices.IndexFunc(p, func(known Param[Q]) bool { return known.Name == string(name) })
		if i < 0 {
			return unknownParam(string(name), p.Names())
		}
		if seen&(1<<i) != 0 {
			return BadParam(p[i].Name, "is given twice")
		}
		seen |= 1 << i
		if len(value) == 0 && p[i].EmptyIsNone {
			continue
		}
		if err := p[i].Set(q, Value{Name: p[i].Name, Type: p[i].Type, Text: value, Now: now}); err != nil {
			return err
		}
	}
	return nil
}

func unknownParam(name string, allowed []string) error {
	hint := near.Hint(name, allowed)
	message := "Unknown query parameter " + fault.Quote(name) + hint
	switch {
	case len(allowed) == 0:
		message += "; this route takes none"
	case hint != "":
		message += " Allowed: " + strings.Join(allowed, ", ")
	default:
		message += "; allowed: " + strings.Join(allowed, ", ")
	}
	return fault.InvalidParameter.New(message, fault.Details{"parameter": fault.Clip(name), "allowed": allowed})
}

// BadParam is a parameter whose value can't be taken; why continues "Query parameter 'x' ...".
func BadParam(name, why string) error {
	return fault.InvalidParameter.New("Query parameter "+fault.Quote(name)+" "+why, fault.Details{"parameter": name})
}
