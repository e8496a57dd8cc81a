package cli

import (
	"fmt"
	"log/slog"
)

// exposure is who reaches the broker, and how.
type exposure struct {
	address          string
	world            bool // others than this machine
	tokens, insecure bool
	encrypted        bool
}

// check refuses to let in everybody who reaches an address of this machine, unless that is asked for in so many words.
func (e exposure) check() error {
	if !e.world || e.tokens || e.insecure {
		return nil
	}
	return fmt.Errorf("--listen %s is not a loopback address, and everybody who reaches it could read and write; "+
		"allowed: with --auth-file FILE (see: flashq token create --help), with --insecure, or 127.0.0.1, [::1] or localhost",
		e.address)
}

// warn is one line at the start, for what may not be meant.
func (e exposure) warn(logger *slog.Logger) {
	switch {
	case e.world && e.tokens && !e.encrypted:
		logger.Warn("tokens and records travel in clear on this address; --tls-cert and --tls-key encrypt them, "+
			"or a proxy on this machine", "listen", e.address)
	case e.world && !e.tokens:
		logger.Warn("--insecure: everybody who reaches this address may read, write and delete", "listen", e.address)
	case e.insecure && !e.world:
		logger.Warn("--insecure changes nothing: only this machine reaches a loopback address", "listen", e.address)
	case e.insecure:
		logger.Warn("--insecure changes nothing: requests need a token of --auth-file", "listen", e.address)
	}
}

// exposure says so of the flags, on an address with that host.
func (f *serveFlags) exposure(address, host string) exposure {
	return exposure{address: address, world: !isLoopback(host), tokens: f.hasTokens(), insecure: f.insecure,
		encrypted: f.tls.cert != ""}
}

// hasTokens tells whether requests need one.
func (f *serveFlags) hasTokens() bool { return f.authFile != "" }
