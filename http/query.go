package http

import (
	"bytes"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/valyala/fasthttp"

	"flashq/http/recordjson"
)

// eachParam walks a query strictly: a name that is not allowed and a name that stands twice are errors, since a typo
// must not silently mean "default". set gets the name's spelling from allowed and a value that it must not keep.
func eachParam(ctx *fasthttp.RequestCtx, allowed []string, set func(name string, value []byte) error) error {
	if len(ctx.URI().QueryString()) == 0 {
		return nil
	}
	args := fasthttp.AcquireArgs() // ctx would keep its own for as long as the connection lives
	defer fasthttp.ReleaseArgs(args)
	args.ParseBytes(ctx.URI().QueryString())
	seen := uint64(0)
	for name, value := range args.All() {
		if len(name) == 0 && len(value) == 0 {
			continue // as in ?a=1&&b=2
		}
		i := slices.IndexFunc(allowed, func(a string) bool { return a == string(name) })
		if i < 0 {
			return unknownParam(string(name), allowed)
		}
		if seen&(1<<i) != 0 {
			return badParam(allowed[i], "is given twice")
		}
		seen |= 1 << i
		if err := set(allowed[i], value); err != nil {
			return err
		}
	}
	return nil
}

// noParams is the query of a route that takes none.
func noParams(ctx *fasthttp.RequestCtx) error { return eachParam(ctx, nil, nil) }

func unknownParam(name string, allowed []string) error {
	message := "Unknown query parameter " + quote(name) + "; this route takes none"
	if len(allowed) > 0 {
		message = "Unknown query parameter " + quote(name) + "; allowed: " + strings.Join(allowed, ", ")
	}
	return &apiError{
		status: 400, code: "invalid_parameter", message: message,
		details: details{"parameter": clip(name), "allowed": append([]string{}, allowed...)},
	}
}

// badParam is a parameter whose value can't be taken; why continues "Query parameter 'x' ...".
func badParam(name, why string) error {
	return &apiError{
		status: 400, code: "invalid_parameter", message: "Query parameter " + quote(name) + " " + why,
		details: details{"parameter": name},
	}
}

func intParam(name string, value []byte, low, high int) (int, error) {
	n, ok := digits(value)
	if !ok || n < int64(low) || n > int64(high) {
		return 0, &apiError{
			status: 400, code: "invalid_parameter",
			message: "Query parameter '" + name + "' must be an integer from " + strconv.Itoa(low) + " to " + strconv.Itoa(high),
			details: details{"parameter": name, "min": low, "max": high},
		}
	}
	return int(n), nil
}

func boolParam(name string, value []byte) (bool, error) {
	switch string(value) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, badParam(name, "must be true or false")
}

// timeParam reads a time in any of the contract's forms.
func timeParam(name string, value []byte, now int64) (int64, error) {
	millis, ok := recordjson.ParseTime(value, now)
	if !ok {
		return 0, badParam(name, "must be an RFC 3339 time, epoch milliseconds, or relative as -15m, -2h30m, -7d")
	}
	return millis, nil
}

// partitionsParam reads `0` or `0,2`; a partition that is named twice counts once.
func partitionsParam(name string, value []byte) ([]int, error) {
	var list []int
	for more := true; more; {
		var item []byte
		item, value, more = bytes.Cut(value, []byte{','})
		n, ok := digits(item)
		if !ok || n > math.MaxInt32 {
			return nil, badParam(name, "must be a partition number, or several as 0,2")
		}
		if !slices.Contains(list, int(n)) {
			list = append(list, int(n))
		}
	}
	return list, nil
}
