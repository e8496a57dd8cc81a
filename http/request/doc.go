// Package request reads what a request says, and judges it before anybody acts on it: the fields of its head, names in
// its path, query parameters, members of JSON bodies, media types and codings, positions and times. It knows no broker,
// and each thing that it refuses is a fault.Error that names the thing.
package request
