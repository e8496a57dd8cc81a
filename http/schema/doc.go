// Package schema says what a value on the wire may be, as JSON Schema 2020-12, of which it knows as much as the surface
// needs. What parses a value reads its bounds off the schema that describes it; of an answer's Go type, Registry.Of
// makes one by its tags. It knows nothing of HTTP.
package schema
