package cli

import (
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"flashq/http"
	"flashq/reload"
)

// certificate is what the broker shows to TLS clients: two files, kept up to date while it runs. The zero value is
// none.
type certificate struct {
	cert, key string // the flags' values
	current   atomic.Pointer[tls.Certificate]
}

// check refuses one file without the other, which is a wrong command line, and files that can't be used, which may be
// better soon: the exit codes differ, since a supervisor starts a wrong command line no second time.
func (c *certificate) check() error {
	switch {
	case c.cert == "" && c.key == "":
		return nil
	case c.key == "":
		return errors.New("--tls-cert needs the certificate's key; allowed: beside --tls-key FILE")
	case c.cert == "":
		return errors.New("--tls-key needs the key's certificate; allowed: beside --tls-cert FILE")
	}
	return failed(c.load())
}

// load reads both files, and shows what they hold to connections that begin from now on.
func (c *certificate) load() error {
	chain, err := os.ReadFile(c.cert)
	if err != nil {
		return fmt.Errorf("--tls-cert: %w", err)
	}
	key, err := os.ReadFile(c.key)
	if err != nil {
		return fmt.Errorf("--tls-key: %w", err)
	}
	if isEncrypted(key) {
		return fmt.Errorf("--tls-key: %s is encrypted, and nobody could type its passphrase; decrypted: "+
			"openssl pkey -in %[1]s -out KEY", c.key)
	}
	pair, err := tls.X509KeyPair(chain, key)
	if err != nil {
		return fmt.Errorf("--tls-cert %s, --tls-key %s: %s; allowed: a certificate with those that lead to its authority, "+
			"and its key, both PEM", c.cert, c.key, strings.TrimPrefix(err.Error(), "tls: "))
	}
	c.current.Store(&pair)
	return nil
}

// isEncrypted tells of a key that a passphrase protects, as PKCS #8 or in OpenSSL's older way.
func isEncrypted(key []byte) bool {
	block, _ := pem.Decode(key)
	return block != nil &&
		(block.Type == "ENCRYPTED PRIVATE KEY" || strings.Contains(block.Headers["Proc-Type"], "ENCRYPTED"))
}

// serve has a server show it, and keeps it up to date until stop is called.
func (c *certificate) serve(wire *http.Config, logger *slog.Logger) (stop func(), err error) {
	if c.cert == "" {
		return func() {}, nil
	}
	wire.Certificate = c.current.Load
	return reload.Watch{
		What: "the TLS certificate", Files: []string{c.cert, c.key}, Logger: logger,
		Load: func() error {
			err := c.load()
			if err == nil {
				c.warn(logger)
			}
			return err
		},
	}.Start()
}

// warn tells of a certificate that no client takes.
func (c *certificate) warn(logger *slog.Logger) {
	about := c.current.Load().Leaf
	switch now := time.Now(); {
	case now.After(about.NotAfter):
		logger.Warn("the TLS certificate has expired; clients refuse it", "tls_cert", c.cert, "expired", about.NotAfter)
	case now.Before(about.NotBefore):
		logger.Warn("the TLS certificate is not valid yet; clients refuse it", "tls_cert", c.cert, "from", about.NotBefore)
	}
}
