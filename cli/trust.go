package cli

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/pflag"

	"flashq/client"
)

const (
	// tokenVariable holds the token of all client commands.
	tokenVariable = "FLASHQ_TOKEN"
	// caVariable names the file of the authorities that a broker's certificate may be signed by.
	caVariable = "FLASHQ_CA"
)

// trust is how a client command and its broker trust each other: flags, else the environment.
type trust struct{ token, tokenFile, ca string }

func (t *trust) define(fs *pflag.FlagSet) {
	fs.StringVar(&t.token, "token", "", "token for the broker, which others here may see while it runs (default $"+
		tokenVariable+")")
	fs.StringVar(&t.tokenFile, "token-file", "", "file that holds the token, and that its owner alone may read")
	fs.StringVar(&t.ca, "ca", "", "file of the authorities that an https broker is trusted by (default $"+caVariable+
		", else the system's)")
}

// secret is the token that the flags or the environment give; "" is none.
func (t *trust) secret(fs *pflag.FlagSet) (string, error) {
	switch byFile := fs.Changed("token-file"); {
	case byFile && fs.Changed("token"):
		return "", errors.New("--token and --token-file are both given; allowed: one of them")
	case byFile:
		return readToken(t.tokenFile)
	case fs.Changed("token"):
		return asToken("--token", t.token)
	}
	if env := os.Getenv(tokenVariable); env != "" {
		return asToken("$"+tokenVariable, env)
	}
	return "", nil
}

// asToken does not show what it refuses.
func asToken(source, token string) (string, error) {
	if token == "" || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "", fmt.Errorf("%s holds no token; allowed: one as flashq token create prints it", source)
	}
	return token, nil
}

// readToken reads a file that nobody else may read.
func readToken(name string) (string, error) {
	const most = 4 << 10
	f, err := os.Open(name)
	if err != nil {
		return "", fmt.Errorf("--token-file: %w", err)
	}
	defer f.Close() //nolint:errcheck // it was only read
	about, err := f.Stat()
	if err != nil {
		return "", fmt.Errorf("--token-file: %w", err)
	}
	if othersMayRead(about) {
		return "", fmt.Errorf("--token-file %s may be read by others (mode %04o); so that only you may: chmod 600 %[1]s",
			name, about.Mode().Perm())
	}
	text, err := io.ReadAll(io.LimitReader(f, most))
	if err != nil {
		return "", fmt.Errorf("--token-file: %w", err)
	}
	return asToken("--token-file "+name, strings.TrimSpace(string(text)))
}

// authorities are those of the file that the flag or the environment names; nil is the system's.
func (t *trust) authorities(fs *pflag.FlagSet) (*tls.Config, error) {
	name, source := t.ca, "--ca"
	if !fs.Changed("ca") {
		name, source = os.Getenv(caVariable), "$"+caVariable
		if name == "" {
			return nil, nil //nolint:nilnil // which is a configuration, too
		}
	}
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", source, err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s %s holds no certificate; allowed: PEM, from -----BEGIN CERTIFICATE----- on", source, name)
	}
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, nil
}

// namedError is one that says what to type already.
type namedError struct{ error }

func (e *namedError) Unwrap() error { return e.error }

// named adds to an error what to type against it.
func named(err error) error {
	if errors.As(err, new(*namedError)) {
		return err
	}
	if errors.Is(err, client.ErrCertificate) {
		return fmt.Errorf("%w; the authority's certificate can be named: --ca FILE, or $%s", err, caVariable)
	}
	if refused := new(client.Error); errors.As(err, &refused) && refused.Code == "unauthorized" {
		return fmt.Errorf("%w; a token is given by --token-file FILE, --token or $%s", err, tokenVariable)
	}
	if errors.Is(err, client.ErrUnreachable) {
		return fmt.Errorf("%w; is it running? --server, --port or $%s say which", err, serverVariable)
	}
	return err
}
