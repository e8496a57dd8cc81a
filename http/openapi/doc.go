// Package openapi makes the OpenAPI 3.1 document of the surface out of what the table of routes says of each route. It
// serves nothing, and knows no server.
package openapi
