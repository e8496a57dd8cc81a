// Package cli is the command line: one file per command, flags to Config to one call. It wires a storage engine to the
// wire and holds no logic that a test would miss.
package cli
