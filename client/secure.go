package client

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
)

var (
	// ErrToken is returned by New for a token that can't stand in a header.
	ErrToken = errors.New("a token is printable ASCII without blanks")
	// ErrCertificate is returned, beside ErrUnreachable, when the server shows a certificate that Config.TLS does not
	// trust. Nothing was sent to it.
	ErrCertificate = errors.New("its certificate is not trusted")
	// ErrScheme is returned, beside ErrUnreachable, when a server is asked by https that speaks plain HTTP.
	ErrScheme = errors.New("it speaks plain HTTP; its URL begins with http://")
)

func isToken(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

// otherScheme tells what is wrong between the two ends of TLS; nil is nothing of that.
func otherScheme(err error) error {
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &certificate):
		var expired x509.CertificateInvalidError
		if errors.As(err, &expired) || errors.As(err, new(x509.HostnameError)) {
			return fmt.Errorf("%w: %w", ErrCertificate, certificate.Err)
		}
		return fmt.Errorf("%w: it is signed by an authority that is not known here", ErrCertificate)
	case errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return ErrScheme
	}
	return nil
}
