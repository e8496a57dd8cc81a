package auth

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"os"
	"sync/atomic"
)

// Tokens are those of a file. Any number of goroutines may use them.
type Tokens struct {
	path string
	now  atomic.Pointer[set]
}

// set are the tokens of one reading, by their digests' first bytes. It never changes.
type set map[uint64]*Token

// New gives the tokens of a file, of which there are none before Load.
func New(path string) *Tokens { return &Tokens{path: path} }

// Load reads the file, and puts what it says in force, or leaves all as it is. It is not called twice at a time.
func (t *Tokens) Load() error {
	_, tokens, err := read(t.path)
	if err != nil {
		return err
	}
	before := t.now.Load()
	next := make(set, len(tokens))
	for _, token := range tokens {
		if before != nil {
			if old := (*before)[token.index()]; old != nil && old.same(token) {
				token = old // what goes on for it goes on
			}
		}
		next[token.index()] = token
	}
	t.now.Store(&next)
	if before != nil {
		for i, old := range *before {
			if next[i] != old {
				close(old.revoked)
			}
		}
	}
	return nil
}

// Find gives the token that somebody sent, nil if there is none such. How long it takes tells nothing of the tokens:
// what is looked up is a digest, of which nobody can choose the bytes, and the rest is compared in constant time.
func (t *Tokens) Find(secret []byte) *Token {
	all := t.now.Load()
	if all == nil || len(secret) != secretSize {
		return nil
	}
	digest := sha256.Sum256(secret)
	token := (*all)[index(&digest)]
	if token == nil || subtle.ConstantTimeCompare(digest[:], token.digest[:]) != 1 {
		return nil
	}
	return token
}

func (t *Token) index() uint64 { return index(&t.digest) }

func index(digest *[digestSize]byte) uint64 { return binary.BigEndian.Uint64(digest[:]) }

// OthersMayRead tells whether more users than its owner may read the file: they learn no token from it, but what
// SCRAM's server knows.
func (t *Tokens) OthersMayRead() bool {
	about, err := os.Stat(t.path)
	return err == nil && othersMay(about.Mode())
}
