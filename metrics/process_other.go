//go:build !linux

package metrics

import "time"

// started is about when the process began.
var started = time.Now()

// processFigures is what every system tells.
func processFigures() []processFigure {
	return []processFigure{{startTime, float64(started.UnixNano()) / 1e9}}
}
