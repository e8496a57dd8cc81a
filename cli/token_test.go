package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A token is printed alone, so that a shell can take it, and is nowhere afterwards.
func TestTokenCommands(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens.json")
	t.Setenv(authFileVariable, file)
	run := func(want int, args ...string) (stdout, stderr string) {
		t.Helper()
		code, stdout, stderr := flashq(append([]string{"token"}, args...)...)
		if code != want {
			t.Fatalf("%q: exit %d, want %d: %s%s", args, code, want, stdout, stderr)
		}
		return stdout, stderr
	}
	first, stderr := run(exitOK, "create", "shop", "--scope", "read,write", "--topic", "orders.,refunds.")
	if len(first) != len("fq_")+43+1 || !strings.HasPrefix(first, "fq_") ||
		stderr != "token shop may read, write on topics orders.* refunds.* and groups *; it is printed this once:\n" {
		t.Errorf("%q %q", first, stderr)
	}
	if _, stderr := run(exitFailed, "create", "shop", "--scope", "read"); !strings.Contains(stderr, "--replace") {
		t.Error(stderr)
	}
	second, _ := run(exitOK, "create", "shop", "--replace", "-o", "json")
	var made tokenView
	if err := json.Unmarshal([]byte(second), &made); err != nil || made.Token+"\n" == first ||
		strings.Join(made.Scopes, " ") != "read write" || strings.Join(made.Topics, " ") != "orders. refunds." {
		t.Errorf("%s %v", second, err)
	}
	run(exitOK, "create", "admin", "--scope", "admin", "--group", "g")
	stdout, _ := run(exitOK, "list")
	if !strings.Contains(stdout, "│ admin │ admin      │ *                  │ g*     │ 2") ||
		!strings.Contains(stdout, "│ shop  │ read write │ orders.* refunds.* │ *      │ 2") {
		t.Error(stdout)
	}
	if stdout, _ = run(exitOK, "list", "-o", "ndjson"); strings.Count(stdout, "\n") != 2 ||
		!strings.Contains(stdout, `{"name":"admin","scopes":["admin"],"topics":[""],"groups":["g"],"created":"2`) {
		t.Error(stdout)
	}
	text, err := os.ReadFile(file)
	if err != nil || strings.Contains(string(text)+stdout, made.Token) {
		t.Errorf("the token is shown again: %v", err)
	}
	run(exitOK, "revoke", "shop")
	run(exitFailed, "revoke", "shop")
	if stdout, _ = run(exitOK, "list", "-o", "json"); strings.Contains(stdout, "shop") {
		t.Error(stdout)
	}
	run(exitOK, "list", "--auth-file", file)
	run(exitFailed, "list", "--auth-file", file+".none")
	for _, args := range [][]string{
		{"create", "x"}, {"create", "x", "--scope", "all"}, {"create", "x y", "--scope", "read"}, {"create"}, {"revoke"},
	} {
		if _, stderr := run(exitUsage, args...); strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, "flashq: ") {
			t.Errorf("%q: %s", args, stderr)
		}
	}
	t.Setenv(authFileVariable, "")
	if _, stderr := run(exitUsage, "list"); !strings.Contains(stderr, "allowed: --auth-file FILE, or $FLASHQ_AUTH_FILE") {
		t.Error(stderr)
	}
}

// A broker whose tokens can't be read does not start, and says what to do.
func TestABrokerNeedsItsTokens(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens.json")
	code, _, stderr := flashq("0", "--auth-file", file)
	if code != exitFailed || !strings.Contains(stderr, "flashq token create NAME --auth-file "+file) {
		t.Errorf("exit %d: %s", code, stderr)
	}
	if err := os.WriteFile(file, []byte(`{"version":1}`), 0o600); err != nil {
		t.Fatal(err)
	}
	code, _, stderr = flashq("0", "--auth-file", file)
	if code != exitFailed || !strings.Contains(stderr, file+": tokens: they are missing") {
		t.Errorf("exit %d: %s", code, stderr)
	}
	code, _, stderr = flashq("0", "--protect-metrics")
	if code != exitUsage || !strings.Contains(stderr, "--auth-file") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}

// A comma too many, or a variable that is not set, makes no token for every name.
func TestATokenIsForEveryNameOnlyIfThatIsSaid(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tokens.json")
	t.Setenv(authFileVariable, file)
	create := func(want int, args ...string) tokenView {
		t.Helper()
		code, stdout, stderr := flashq(append([]string{"token", "create", "shop", "--replace", "-o", "json"}, args...)...)
		if code != want {
			t.Fatalf("%q: exit %d, want %d: %s%s", args, code, want, stdout, stderr)
		}
		if want == exitUsage && (!strings.Contains(stderr, args[0]) || !strings.Contains(stderr, "'*', or the flag left out, is every one")) {
			t.Errorf("%q: %s", args, stderr)
		}
		var made tokenView
		if want == exitOK {
			if err := json.Unmarshal([]byte(stdout), &made); err != nil {
				t.Fatal(err)
			}
		}
		return made
	}
	create(exitOK, "--scope", "read", "--topic", "orders.", "--group", "billing-")
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, flag := range []string{"--topic", "--group"} {
		for _, value := range []string{"orders.,", "", ",a", "a,,b", ","} {
			create(exitUsage, flag, value)
		}
		create(exitUsage, flag, "a", flag, "")
	}
	create(exitFailed, "--topic", "orders.*")
	if after, err := os.ReadFile(file); err != nil || string(after) != string(before) {
		t.Errorf("what was refused changed the file: %v", err)
	}
	made := create(exitOK, "--topic", "*", "--group", "a,b", "--group", "c")
	if strings.Join(made.Topics, "|") != "" || len(made.Topics) != 1 || strings.Join(made.Groups, "|") != "a|b|c" {
		t.Errorf("%+v", made)
	}
}
