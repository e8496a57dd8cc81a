package fault

import (
	"reflect"
	"slices"
	"strings"

	"flashq/http/schema"
)

// Describe puts the one shape of errors among the schemas.
func Describe(r schema.Registry) {
	r.Of(reflect.TypeFor[shape]())
	var codes []string
	for _, k := range all {
		codes = append(codes, k.Code)
	}
	slices.Sort(codes)
	r["Error"].Properties["error"].Enum = slices.Compact(codes)
}

// Schema implements schema.Describer: details are what an error needs to say.
func (Details) Schema() *schema.Schema { return &schema.Schema{Type: "object", Rest: true} }

// Example is an error of the kind.
func (k *Kind) Example() *Error {
	return k.New(strings.ToUpper(k.When[:1])+k.When[1:], nil)
}

// Headers names what answers of the kind have beside the headers of all.
func (k *Kind) Headers() []string {
	switch {
	case k.Retryable:
		return []string{"Retry-After"}
	case k == UnsupportedMediaType:
		return []string{"Accept-Encoding"}
	case k.Status == 401:
		return []string{"WWW-Authenticate"}
	}
	return nil
}
