// Package instance owns one FlashQ process for the time of a test: it builds the binary once, starts it on a free port,
// calls it with net/http, and ends it however the test wants. No process outlives its test.
package instance
