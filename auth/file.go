package auth

import (
	"bytes"
	"encoding/hex"
	stdjson "encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Bounds of a file.
const (
	mostFile     = 16 << 20
	mostTokens   = 10_000
	mostPrefixes = 100
	mostName     = 255 // of a token, and of a prefix
	version      = 1
)

// Entry is what the file says of one token.
type Entry struct {
	Name   string    `json:"name"`
	Scopes []string  `json:"scopes"`
	Topics []string  `json:"topics"` // prefixes; "" is every topic
	Groups []string  `json:"groups"` // likewise
	Made   time.Time `json:"created"`
	SHA256 string    `json:"sha256"` // of the token, in hexadecimal
	SCRAM  Verifier  `json:"scram_sha_256"`
}

// file is all of it.
type file struct {
	Version int     `json:"version"`
	Tokens  []Entry `json:"tokens"`
}

// read gives what the file at path holds.
func read(path string) (f file, tokens []*Token, err error) {
	in, err := os.Open(path)
	if err != nil {
		return f, nil, err
	}
	defer in.Close() //nolint:errcheck // it was only read
	text, err := io.ReadAll(io.LimitReader(in, mostFile+1))
	if err != nil {
		return f, nil, err
	}
	if f, tokens, err = parse(text); err != nil {
		return f, nil, fmt.Errorf("%s: %w", path, err)
	}
	return f, tokens, nil
}

// parse reads a file strictly: what is not known is a typo, and a typo in who may do what must not pass.
func parse(text []byte) (f file, tokens []*Token, err error) {
	switch {
	case len(text) > mostFile:
		return f, nil, fmt.Errorf("it is larger than %d MiB", mostFile>>20)
	case len(bytes.TrimSpace(text)) == 0:
		return f, nil, errors.New(`it is empty; without tokens it is {"version":1,"tokens":[]}`)
	}
	if err := json.Unmarshal(text, &f, json.RejectUnknownMembers(true)); err != nil {
		return f, nil, where(text, err)
	}
	switch {
	case f.Version != version:
		return f, nil, fmt.Errorf("version: %d; allowed: %d", f.Version, version)
	case f.Tokens == nil:
		return f, nil, errors.New("tokens: they are missing; none is []")
	}
	tokens, err = f.check()
	return f, tokens, err
}

// where says of what encoding refuses on which line it stands, and in which member.
func where(text []byte, err error) error {
	var (
		semantic  *json.SemanticError
		syntactic *jsontext.SyntacticError
	)
	at, offset, why := jsontext.Pointer(""), int64(0), ""
	switch {
	case errors.As(err, &syntactic):
		at, offset, why = syntactic.JSONPointer, syntactic.ByteOffset, syntactic.Err.Error()
	case errors.As(err, &semantic):
		at, offset = semantic.JSONPointer, semantic.ByteOffset
		switch {
		case errors.Is(err, json.ErrUnknownName):
			why = "this member is not known"
		case semantic.JSONKind != 0:
			why = kindName(semantic.JSONKind) + " can't stand here"
		default:
			why = "this value can't stand here"
		}
	default:
		return err
	}
	line := 1 + bytes.Count(text[:min(int(offset), len(text))], []byte{'\n'})
	if at == "" {
		return fmt.Errorf("line %d: %s", line, why)
	}
	return fmt.Errorf("line %d: %s: %s", line, clip(string(at)), why)
}

func kindName(k jsontext.Kind) string {
	switch k {
	case jsontext.KindBeginObject:
		return "an object"
	case jsontext.KindBeginArray:
		return "a list"
	}
	return "a " + k.String()
}

// check makes the tokens that the entries mean, of which no two may have a name or a secret in common.
func (f *file) check() ([]*Token, error) {
	if len(f.Tokens) > mostTokens {
		return nil, fmt.Errorf("tokens: there are %d; at most %d are allowed", len(f.Tokens), mostTokens)
	}
	tokens := make([]*Token, 0, len(f.Tokens))
	names, digests := map[string]bool{}, map[uint64]bool{}
	for i, e := range f.Tokens {
		t, err := e.token()
		switch {
		case err != nil:
		case names[e.Name]:
			err = errors.New("another token has this name")
		case digests[t.index()]:
			err = errors.New("another token has this sha256")
		}
		if err != nil {
			return nil, fmt.Errorf("tokens[%d] %q: %w", i, clip(e.Name), err)
		}
		names[e.Name], digests[t.index()] = true, true
		tokens = append(tokens, t)
	}
	return tokens, nil
}

// token is what the entry means.
func (e *Entry) token() (*Token, error) {
	if err := CheckName(e.Name); err != nil {
		return nil, err
	}
	scopes, err := ParseScopes(e.Scopes)
	if err != nil {
		return nil, err
	}
	if err := checkPrefixes("topics", e.Topics); err != nil {
		return nil, err
	}
	if err := checkPrefixes("groups", e.Groups); err != nil {
		return nil, err
	}
	t := &Token{entry: *e, scopes: scopes, revoked: make(chan struct{})}
	digest, err := hex.DecodeString(e.SHA256)
	if err != nil || len(digest) != digestSize {
		return nil, fmt.Errorf("sha256: it must be %d hexadecimal digits", 2*digestSize)
	}
	copy(t.digest[:], digest)
	if err := e.SCRAM.check(); err != nil {
		return nil, fmt.Errorf("scram_sha_256: %w", err)
	}
	return t, nil
}

// CheckName refuses what can't be a token's name.
func CheckName(name string) error {
	if name == "" || len(name) > mostName || name[0] == '-' || !plain(name) {
		return fmt.Errorf("name %q; allowed: 1 to %d of A-Z a-z 0-9 . _ -, the first no -", clip(name), mostName)
	}
	return nil
}

// checkPrefixes refuses a list that no name can match, and an empty one, which could mean all or none.
func checkPrefixes(what string, list []string) error {
	switch {
	case len(list) == 0:
		return fmt.Errorf(`%s: there is no prefix; [""] is every one`, what)
	case len(list) > mostPrefixes:
		return fmt.Errorf("%s: there are %d prefixes; at most %d are allowed", what, len(list), mostPrefixes)
	}
	for _, p := range list {
		if len(p) > mostName || !plain(p) {
			return fmt.Errorf("%s: prefix %q; allowed: up to %d of A-Z a-z 0-9 . _ -", what, clip(p), mostName)
		}
	}
	return nil
}

// plain tells whether a text holds only what names of topics and groups may hold.
func plain(text string) bool {
	for i := range len(text) {
		c := text[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '.' && c != '_' && c != '-' {
			return false
		}
	}
	return true
}

// clip cuts what a file says to a length that is worth showing.
func clip(s string) string {
	const most = 80
	if len(s) > most {
		s = s[:most] + "..."
	}
	return strings.ToValidUTF8(s, "?")
}

// text is the file as it is written.
func (f *file) text() ([]byte, error) {
	text, err := stdjson.MarshalIndent(f, "", "  ")
	return append(text, '\n'), err
}
