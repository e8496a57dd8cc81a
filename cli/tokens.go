package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"

	"flashq/auth"
	"flashq/reload"
)

// checkTokens refuses flags that need tokens where there are none.
func (c *serveConfig) checkTokens() error {
	if c.wire.ProtectMetrics && c.authFile == "" {
		return errors.New("--protect-metrics asks for tokens, and there are none; allowed: beside --auth-file FILE")
	}
	return nil
}

// askForTokens has the server take the tokens of the auth file, which are kept up to date until stop is called. Without
// a file it takes everybody.
func (c *serveConfig) askForTokens(logger *slog.Logger) (stop func(), err error) {
	if c.authFile == "" {
		return func() {}, nil
	}
	tokens := auth.New(c.authFile)
	stop, err = reload.Watch{
		What: "the tokens", Files: []string{c.authFile}, Load: tokens.Load, Logger: logger,
	}.Start()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("--auth-file: %w; flashq token create NAME --auth-file %s --scope admin makes it", err,
			c.authFile)
	case err != nil:
		return nil, fmt.Errorf("--auth-file: %w", err)
	}
	if tokens.OthersMayRead() {
		logger.Warn("the file of tokens may be read by others than its owner; it holds no token, but should be mode 0600",
			"auth_file", c.authFile)
	}
	c.wire.Tokens = tokens
	return stop, nil
}
