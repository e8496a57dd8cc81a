package auth

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

func entry(name, scopes string) Entry {
	return Entry{Name: name, Scopes: strings.Split(scopes, ","), Topics: []string{"a."}, Groups: []string{"g."}}
}

func mustCreate(t *testing.T, path string, e Entry, replace bool) string {
	t.Helper()
	secret, _, err := Create(path, e, replace)
	if err != nil {
		t.Fatal(err)
	}
	return secret
}

func TestTokensSecretIsNotKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens.json")
	secret := mustCreate(t, path, entry("a", "read"), false)
	if err := CheckSecret(secret); err != nil {
		t.Error(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	raw, _ := base64.RawURLEncoding.DecodeString(secret[3:])
	if strings.Contains(string(text), secret[3:]) || strings.Contains(string(text), base64.StdEncoding.EncodeToString(raw)) {
		t.Error("the file holds the token")
	}
	if about, _ := os.Stat(path); runtime.GOOS != "windows" && about.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", about.Mode())
	}
	left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	if len(left) != 1 {
		t.Errorf("files left over: %q", left)
	}
}

func TestFindTakesTheTokenAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens.json")
	secret := mustCreate(t, path, entry("a", "read"), false)
	tokens := New(path)
	if err := tokens.Load(); err != nil {
		t.Fatal(err)
	}
	if got := tokens.Find([]byte(secret)); got.Name() != "a" {
		t.Fatalf("found %v", got)
	}
	for _, other := range []string{
		"", secret[:len(secret)-1], secret + "A", " " + secret, strings.ToUpper(secret), secret[3:], newSecret(),
		"fq_" + strings.Repeat("A", secretSize-3), strings.Repeat("x", 1<<20),
	} {
		if tokens.Find([]byte(other)) != nil {
			t.Errorf("%.60q is a token", other)
		}
	}
	// The first bytes of a digest are not enough.
	known, forged := tokens.Find([]byte(secret)), newSecret()
	digest := sha256.Sum256([]byte(forged))
	tokens.now.Store(&set{index(&digest): known})
	if tokens.Find([]byte(forged)) != nil {
		t.Error("the rest of the digest was not compared")
	}
}

func TestScopesAndPrefixes(t *testing.T) {
	token := func(scopes string, topics, groups []string) *Token {
		e := entry("x", scopes)
		e.Topics, e.Groups, e.SHA256 = topics, groups, hexOnes
		e.SCRAM, _ = newVerifier("x")
		one, err := e.token()
		if err != nil {
			t.Fatal(err)
		}
		return one
	}
	all := []string{""}
	for _, c := range []struct {
		who  *Token
		name string
		may  map[Scope]bool
	}{
		{nil, "nobody", map[Scope]bool{Open: true}},
		{Anyone, "anyone", map[Scope]bool{Open: true, Read: true, Write: true, Admin: true, ReadAll: true}},
		{token("read", all, all), "reader", map[Scope]bool{Open: true, Read: true, ReadAll: true}},
		{token("read", []string{"a."}, all), "reader of a.", map[Scope]bool{Open: true, Read: true}},
		{token("read", all, []string{"g"}), "reader in g", map[Scope]bool{Open: true, Read: true}},
		{token("write", all, all), "writer", map[Scope]bool{Open: true, Write: true}},
		{token("read,write", all, all), "both", map[Scope]bool{Open: true, Read: true, Write: true, ReadAll: true}},
		{token("admin", all, all), "admin", map[Scope]bool{Open: true, Read: true, Write: true, Admin: true, ReadAll: true}},
	} {
		for s := none; s <= ReadAll+1; s++ {
			if got := c.who.May(s); got != c.may[s] {
				t.Errorf("%s may %d: %v", c.name, s, got)
			}
			if got := c.who.MayTopic(s, "a.b") && c.who.MayGroup(s, "g"); got != (c.may[s] && c.who != nil) {
				t.Errorf("%s may %d on a.b and g: %v", c.name, s, got)
			}
		}
	}
	one := token("read", []string{"a.", "bc"}, []string{"g"})
	for topic, want := range map[string]bool{"a.": true, "a.x": true, "a": false, "b": false, "bc": true, "bcd": true, "xa.": false, "A.": false} {
		if one.MayTopic(Read, topic) != want || one.MayTopic(Write, topic) || one.MayTopic(Admin, topic) {
			t.Errorf("topic %s", topic)
		}
	}
	if !one.MayGroup(Read, "g1") || one.MayGroup(Read, "a.x") {
		t.Error("groups go by topics")
	}
}

// What goes on for a token ends when the file says otherwise of it, and only then.
func TestLoadRevokesWhatChanged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens.json")
	secrets := map[string]string{}
	for _, name := range []string{"stays", "goes", "narrows", "rotates"} {
		secrets[name] = mustCreate(t, path, entry(name, "read,write"), false)
	}
	tokens := New(path)
	load := func() {
		if err := tokens.Load(); err != nil {
			t.Fatal(err)
		}
	}
	load()
	before := map[string]*Token{}
	for name, secret := range secrets {
		before[name] = tokens.Find([]byte(secret))
	}
	if err := Revoke(path, "goes"); err != nil {
		t.Fatal(err)
	}
	rotated := mustCreate(t, path, entry("rotates", "read,write"), true)
	text, _ := os.ReadFile(path)
	narrow := strings.Replace(string(text), "\"narrows\",\n      \"scopes\": [\n        \"read\",\n        \"write\"", "\"narrows\",\n      \"scopes\": [\n        \"read\"", 1)
	if narrow == string(text) {
		t.Fatal(narrow)
	}
	if err := os.WriteFile(path, []byte(narrow), 0o600); err != nil {
		t.Fatal(err)
	}
	load()
	for name, secret := range secrets {
		now := tokens.Find([]byte(secret))
		if stays := name == "stays"; isRevoked(before[name]) == stays || (now == before[name]) != stays {
			t.Errorf("%s: %v, revoked %v", name, now, isRevoked(before[name]))
		}
	}
	if now := tokens.Find([]byte(secrets["narrows"])); !now.May(Read) || now.May(Write) || isRevoked(now) {
		t.Error("narrows")
	}
	if tokens.Find([]byte(rotated)).Name() != "rotates" {
		t.Error("the new secret is not taken")
	}
	load() // the same once more
	if isRevoked(before["stays"]) {
		t.Error("revoked by nothing")
	}
}

func TestCreateAndRevokeSayWhatIsWrong(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens.json")
	mustCreate(t, path, entry("a", "read"), false)
	before, _ := os.ReadFile(path)
	bad := entry("b", "read")
	bad.Topics = []string{}
	for _, err := range []error{
		errorOf(Create(path, entry("a", "read"), false)), errorOf(Create(path, bad, false)), Revoke(path, "nobody"),
		Revoke(filepath.Join(t.TempDir(), "none"), "a"),
	} {
		if err == nil {
			t.Error("no error")
		}
	}
	if err := errorOf(Create(path, entry("a", "read"), false)); !errors.Is(err, ErrExists) {
		t.Error(err)
	}
	if err := Revoke(path, "nobody"); !errors.Is(err, ErrUnknown) {
		t.Error(err)
	}
	if after, _ := os.ReadFile(path); string(after) != string(before) {
		t.Error("what was refused changed the file")
	}
}

func errorOf(_ string, _ Entry, err error) error { return err }

// Changes by many at once lose none of each other.
func TestChangesAtOnceLoseNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens.json")
	var running sync.WaitGroup
	errs := make([]error, 8)
	for i := range errs {
		running.Go(func() { errs[i] = errorOf(Create(path, entry(fmt.Sprintf("t%d", i), "read"), false)) })
	}
	running.Wait()
	list, err := List(path)
	if err = errors.Join(append(errs, err)...); err != nil || len(list) != len(errs) {
		t.Errorf("%d tokens of %d: %v", len(list), len(errs), err)
	}
}

func TestChangeKeepsModeAndLink(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // modes and links are others there
	}
	dir := t.TempDir()
	path, link := filepath.Join(dir, "tokens.json"), filepath.Join(dir, "link")
	mustCreate(t, path, entry("a", "read"), false)
	if err := errors.Join(os.Chmod(path, 0o640), os.Symlink(path, link)); err != nil {
		t.Fatal(err)
	}
	mustCreate(t, link, entry("b", "read"), false)
	about, err := os.Lstat(path)
	if err != nil || about.Mode() != 0o640 {
		t.Errorf("%v %v", about.Mode(), err)
	}
	if is, _ := os.Lstat(link); is.Mode()&os.ModeSymlink == 0 {
		t.Error("the link is no more")
	}
	if list, _ := List(path); len(list) != 2 {
		t.Errorf("%v", list)
	}
	if !New(path).OthersMayRead() {
		t.Error("others may read it")
	}
}

// The example of RFC 7677: what is stored checks the proof that its client sends.
func TestVerifierIsTheRFCs(t *testing.T) {
	decode := func(s string) []byte {
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	v, err := verifierOf("pencil", decode("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096)
	if err != nil {
		t.Fatal(err)
	}
	message := "n=user,r=rOprNGfwEbeRWgbNEkqO,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096," +
		"c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0"
	clientKey := keyed(v.StoredKey, message) // the client's signature
	for i, b := range decode("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=") {
		clientKey[i] ^= b
	}
	if got := sha256.Sum256(clientKey); string(got[:]) != string(v.StoredKey) {
		t.Error("the stored key does not check the client's proof")
	}
	const server = "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="
	if got := base64.StdEncoding.EncodeToString(keyed(v.ServerKey, message)); got != server {
		t.Errorf("the server's signature is %s", got)
	}
}

// A lock that somebody left behind is told of, with the way out.
func TestLockThatStays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens.json")
	if err := os.WriteFile(path+".lock", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		err := errorOf(Create(path, entry("a", "read"), false))
		if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), "remove") {
			t.Error(err)
		}
	})
	if err := os.Remove(path + ".lock"); err != nil {
		t.Fatal(err)
	}
	mustCreate(t, path, entry("a", "read"), false)
}

// What is not said of a token that is replaced stays as it was, and is every name of a new one.
func TestReplaceKeepsWhatIsNotSaid(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens.json")
	before := mustCreate(t, path, entry("a", "read,write"), false)
	secret, made, err := Create(path, Entry{Name: "a", Topics: []string{"b."}}, true)
	if err != nil || secret == before {
		t.Fatal(secret, err)
	}
	list, err := List(path)
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	for _, e := range []Entry{made, list[0]} {
		if fmt.Sprint(e.Scopes, e.Topics, e.Groups) != "[read write] [b.] [g.]" {
			t.Errorf("%+v", e)
		}
	}
	if _, made, err := Create(path, Entry{Name: "b", Scopes: []string{"admin"}}, true); err != nil ||
		len(made.Topics) != 1 || made.Topics[0] != "" || len(made.Groups) != 1 || made.Groups[0] != "" {
		t.Errorf("%+v %v", made, err)
	}
	if err := errorOf(Create(path, Entry{Name: "c"}, true)); err == nil {
		t.Error("a new token without scopes")
	}
}
