package auth

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const (
	hexOnes = "1111111111111111111111111111111111111111111111111111111111111111"
	key32   = "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI="
	scram   = `{"salt":"MTIzNDU2Nzg5MDEyMzQ1Ng==","iterations":4096,"stored_key":"` + key32 + `","server_key":"` + key32 + `"}`
)

// entryText is a good entry, with parts of it put otherwise.
func entryText(changes ...string) string {
	text := `{"name":"a","scopes":["read"],"topics":[""],"groups":["g"],"created":"2026-01-15T10:00:00Z","sha256":"` +
		hexOnes + `","scram_sha_256":` + scram + `}`
	return strings.NewReplacer(changes...).Replace(text)
}

func fileText(entries ...string) string {
	return "{\"version\":1,\n\"tokens\":[\n" + strings.Join(entries, ",\n") + "\n]}"
}

func TestFileIsReadStrictly(t *testing.T) {
	twos := strings.Repeat("2", 64)
	for _, c := range []struct{ text, want string }{
		{fileText(entryText()), ""},
		{fileText(), ""},
		{fileText(entryText(), entryText(`"a"`, `"b"`, hexOnes, twos)), ""},
		{"", "it is empty"},
		{" \n", "it is empty"},
		{"null", "version: 0"},
		{"[]", "line 1: a list can't stand here"},
		{`{"version":2,"tokens":[]}`, "version: 2; allowed: 1"},
		{`{"version":1}`, "tokens: they are missing"},
		{`{"version":1,"tokens":[]} x`, "line 1: "},
		{`{"version":1,"version":1,"tokens":[]}`, "duplicate"},
		{`{"version":1,"Tokens":[]}`, "line 1: /Tokens: this member is not known"},
		{fileText(entryText(`"scopes"`, `"scope"`)), "line 3: /tokens/0/scope: this member is not known"},
		{fileText(entryText(`["read"]`, `"read"`)), "line 3: /tokens/0/scopes: a string can't stand here"},
		{fileText(entryText(), entryText(hexOnes, twos)), `tokens[1] "a": another token has this name`},
		{fileText(entryText(), entryText(`"a"`, `"b"`)), `tokens[1] "b": another token has this sha256`},
		{fileText(entryText(`"a"`, `""`)), `name ""; allowed`},
		{fileText(entryText(`"a"`, `"-a"`)), `name "-a"; allowed`},
		{fileText(entryText(`"a"`, `"a b"`)), `name "a b"; allowed`},
		{fileText(entryText(`"read"`, `"READ"`)), `scope "READ"; allowed: read, write, admin`},
		{fileText(entryText(`"read"`, `"open"`)), `scope "open"; allowed: read, write, admin`},
		{fileText(entryText(`"read"`, `"read","read"`)), `scope "read" stands twice`},
		{fileText(entryText(`["read"]`, `[]`)), "no scope; allowed"},
		{fileText(entryText(`"topics":[""]`, `"topics":[]`)), `topics: there is no prefix; [""] is every one`},
		{fileText(entryText(`"groups":["g"],`, ``)), "groups: there is no prefix"},
		{fileText(entryText(`"g"`, `"g*"`)), `groups: prefix "g*"; allowed`},
		{fileText(entryText(hexOnes, hexOnes[1:])), "sha256: it must be 64 hexadecimal digits"},
		{fileText(entryText(hexOnes, hexOnes+"11")), "sha256: it must be 64 hexadecimal digits"},
		{fileText(entryText(hexOnes, "x"+hexOnes[1:])), "sha256: it must be 64 hexadecimal digits"},
		{fileText(entryText("4096", "4095")), "scram_sha_256: iterations: 4095"},
		{fileText(entryText(`"MTIzNDU2Nzg5MDEyMzQ1Ng=="`, `"MTIz"`)), "scram_sha_256: salt: 3 bytes"},
		{fileText(entryText(`"stored_key":"`+key32, `"stored_key":"MTIz`)), "scram_sha_256: stored_key: 3 bytes"},
		{fileText(entryText(`"server_key":"`+key32, `"server_key":"MTIz`)), "scram_sha_256: server_key: 3 bytes"},
		{fileText(entryText(`"scram_sha_256":`+scram, `"scram_sha_256":{}`)), "scram_sha_256: salt: 0 bytes"},
		{strings.Repeat(" ", mostFile+1), "larger than 16 MiB"},
	} {
		_, _, err := parse([]byte(c.text))
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%.200s: %v", c.text, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%.200s: %v, want %s", c.text, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), "\n") {
			t.Errorf("more than a line: %v", err)
		}
	}
}

// A bad file is told of with its name, and changes nothing.
func TestBadFileChangesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens.json")
	secret, _, err := Create(path, Entry{Name: "a", Scopes: []string{"read"}, Topics: []string{""}, Groups: []string{""}}, false)
	if err != nil {
		t.Fatal(err)
	}
	tokens := New(path)
	if tokens.Find([]byte(secret)) != nil {
		t.Error("a token before the file was read")
	}
	if err := tokens.Load(); err != nil {
		t.Fatal(err)
	}
	before := tokens.Find([]byte(secret))
	if before == nil {
		t.Fatal("no token")
	}
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := tokens.Load(); err == nil || !strings.Contains(err.Error(), path+": line 1: ") {
		t.Errorf("the error %v names no place", err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := tokens.Load(); !errors.Is(err, os.ErrNotExist) {
		t.Error(err)
	}
	if tokens.Find([]byte(secret)) != before || isRevoked(before) {
		t.Error("the token is gone")
	}
}

// The example of docs/format.md is a file.
func TestDocsShowAFile(t *testing.T) {
	docs, err := os.ReadFile("../docs/format.md")
	if err != nil {
		t.Fatal(err)
	}
	_, example, _ := strings.Cut(string(docs), "## The file of tokens")
	_, example, _ = strings.Cut(example, "```json\n")
	example, _, _ = strings.Cut(example, "```")
	if _, tokens, err := parse([]byte(example)); err != nil || len(tokens) != 1 {
		t.Errorf("%d tokens, %v", len(tokens), err)
	}
}

func isRevoked(t *Token) bool {
	select {
	case <-t.Revoked():
		return true
	default:
		return false
	}
}

// FuzzFile reads any bytes as a file: what is taken is whole, and is the same after it was written and read again.
func FuzzFile(f *testing.F) {
	f.Add([]byte(fileText(entryText())))
	f.Add([]byte(fileText(entryText(`["read"]`, `["admin","write"]`, `["g"]`, `["g","h.","_"]`))))
	f.Add([]byte(fileText()))
	f.Add([]byte(`{"version":1,"tokens":[{"name":"\ud800"}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		read, tokens, err := parse(text)
		if err != nil {
			return
		}
		for _, token := range tokens {
			if token.Name() == "" || len(token.entry.Topics) == 0 || len(token.entry.Groups) == 0 || token.scopes == 0 {
				t.Fatalf("%+v", token)
			}
		}
		again, err := read.text()
		if err != nil {
			t.Fatal(err)
		}
		_, after, err := parse(again)
		if err != nil || len(after) != len(tokens) {
			t.Fatalf("%s: %v", again, err)
		}
		for i := range tokens {
			if !tokens[i].same(after[i]) {
				t.Fatalf("%+v became %+v", tokens[i], after[i])
			}
		}
	})
}
