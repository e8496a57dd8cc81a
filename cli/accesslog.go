package cli

import (
	"fmt"
	"io"
	"log/slog"

	"flashq/http"
	"flashq/metrics"
	"flashq/reload"
)

// logRequests has the server write a line for each request to --access-log, in the form of --log-format, until stop is
// called. After a SIGHUP it goes on in a new file of the same name.
func (c *serveConfig) logRequests(stderr io.Writer, logger *slog.Logger) (stop func(), err error) {
	if c.accessLog == "" {
		return func() {}, nil
	}
	lines, err := http.OpenAccessLog(c.accessLog, stderr, logger)
	if err != nil {
		return nil, fmt.Errorf("--access-log: %w", err)
	}
	c.wire.AccessLog, c.wire.AccessDropped = newLogger(lines, c.logFormat, "info"), lines.Dropped
	silence := reload.OnHangup(lines.Reopen)
	return func() {
		silence()
		lines.Close()
	}, nil
}

// count has both halves of the broker count in one place.
func (c *serveConfig) count() {
	c.wire.Metrics = metrics.NewEngine()
	c.engine.Metrics = c.wire.Metrics
}
