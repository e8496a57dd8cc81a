// Package loadtest owns the load generator and its report. It speaks HTTP as any client does and knows nothing of the
// broker's code. Speed is judged as a ratio within one run: FlashQ beside a bare HTTP server ("noop") that reads the
// same bodies and answers a fixed JSON, in alternating rounds, so that the drift of a machine cancels out.
//
// The load is a closed loop: each connection sends its next request when the last one is answered. The generator
// shares the machine with the server that it judges, so it is kept cheap: prebuilt bytes, one write and one read a
// request, no allocation. Its own cost stands in the report.
package loadtest
