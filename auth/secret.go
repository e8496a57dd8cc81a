package auth

import (
	"bytes"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"
)

// A token is prefix and the base64url of secretBytes random bytes, without padding: nobody guesses one, so a plain
// SHA-256 of it may be kept, and looking one up costs one.
const (
	prefix      = "fq_" // by which people, and scanners of repositories, know one
	secretBytes = 32
	digestSize  = sha256.Size
)

var secretSize = len(prefix) + base64.RawURLEncoding.EncodedLen(secretBytes)

func newSecret() string {
	var random [secretBytes]byte
	_, _ = rand.Read(random[:]) // never fails
	return prefix + base64.RawURLEncoding.EncodeToString(random[:])
}

// MayHold tells whether a text may hold a token, whole or in part, so that it is nothing to show.
func MayHold(text []byte) bool { return bytes.Contains(text, []byte(prefix)) }

// CheckSecret tells whether text can be a token. The error doesn't show it.
func CheckSecret(text string) error {
	random, ok := strings.CutPrefix(text, prefix)
	if !ok || len(text) != secretSize {
		return fmt.Errorf("a token is %s and %d letters, digits, - and _; flashq token create makes one", prefix,
			secretSize-len(prefix))
	}
	if _, err := base64.RawURLEncoding.Strict().DecodeString(random); err != nil {
		return fmt.Errorf("a token is %s and letters, digits, - and _; flashq token create makes one", prefix)
	}
	return nil
}

// Verifier is what a server of SCRAM-SHA-256 (RFC 5802, RFC 7677) knows of a token: enough to check that a client
// knows the token, and not enough to be one.
type Verifier struct {
	Salt       []byte `json:"salt"`
	Iterations int    `json:"iterations"`
	StoredKey  []byte `json:"stored_key"`
	ServerKey  []byte `json:"server_key"`
}

const (
	// iterations are the least that RFC 7677 allows: they protect passwords that can be guessed.
	iterations     = 4096
	mostIterations = 10_000_000
	saltSize       = 16
	mostSalt       = 64
)

func newVerifier(secret string) (Verifier, error) {
	salt := make([]byte, saltSize)
	_, _ = rand.Read(salt) // never fails
	return verifierOf(secret, salt, iterations)
}

// verifierOf is RFC 5802's: a token is ASCII, which SASLprep leaves as it is.
func verifierOf(secret string, salt []byte, iterations int) (Verifier, error) {
	salted, err := pbkdf2.Key(sha256.New, secret, salt, iterations, sha256.Size)
	if err != nil {
		return Verifier{}, fmt.Errorf("derive the keys of SCRAM: %w", err)
	}
	stored := sha256.Sum256(keyed(salted, "Client Key"))
	return Verifier{salt, iterations, stored[:], keyed(salted, "Server Key")}, nil
}

func keyed(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

// check tells what is wrong with a verifier, as far as that can be seen without the token.
func (v *Verifier) check() error {
	switch {
	case len(v.Salt) < saltSize || len(v.Salt) > mostSalt:
		return fmt.Errorf("salt: %d bytes; allowed: base64 of %d to %d", len(v.Salt), saltSize, mostSalt)
	case v.Iterations < iterations || v.Iterations > mostIterations:
		return fmt.Errorf("iterations: %d; allowed: %d to %d", v.Iterations, iterations, mostIterations)
	case len(v.StoredKey) != sha256.Size:
		return fmt.Errorf("stored_key: %d bytes; allowed: base64 of %d", len(v.StoredKey), sha256.Size)
	case len(v.ServerKey) != sha256.Size:
		return fmt.Errorf("server_key: %d bytes; allowed: base64 of %d", len(v.ServerKey), sha256.Size)
	}
	return nil
}
