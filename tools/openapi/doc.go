// Package openapi holds the document of the surface from outside: a Go client that oapi-codegen makes of it speaks to a
// broker. It is a module of its own, so that the generator's dependencies stay out of ours. `make openapi` runs it.
package openapi
