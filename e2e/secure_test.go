//go:build unix

package e2e

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"flashq/e2e/certs"
	"flashq/e2e/instance"
)

// until waits for a condition, with a deadline that only a hang reaches.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	ticks := time.NewTicker(20 * time.Millisecond)
	defer ticks.Stop()
	for end := time.Now().Add(30 * time.Second); !holds(); <-ticks.C {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

// command runs the binary as a client, and gives what it printed.
func command(t *testing.T, env []string, args ...string) (out string, code int) {
	t.Helper()
	cmd := exec.Command(instance.Binary(), args...)
	cmd.Env = append(os.Environ(), env...)
	text, err := cmd.CombinedOutput()
	if err != nil && !errors.As(err, new(*exec.ExitError)) {
		t.Fatal(err)
	}
	return string(text), cmd.ProcessState.ExitCode()
}

// shownBy is the name on the certificate that a broker shows to a new connection.
func shownBy(t *testing.T, c *tls.Config, addr string) string {
	t.Helper()
	conn, err := tls.Dial("tcp", addr, c)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].Subject.CommonName
}

// A broker with certificate and tokens is reached by its commands, and both are renewed while connections are open.
func TestTLSAndTokens(t *testing.T) {
	authority, dir := certs.New(t), t.TempDir()
	cert, key := authority.Issue(t, "first").Write(t, dir)
	tokens := filepath.Join(dir, "tokens.json")
	printed, code := command(t, nil, "token", "create", "x", "--scope", "admin,write,read", "--auth-file", tokens, "-o", "json")
	_, rest, _ := strings.Cut(printed, `"token":"`)
	token, _, _ := strings.Cut(rest, `"`)
	if code != 0 || token == "" {
		t.Fatal(printed)
	}
	broker := instance.Start(t, "--tls-cert="+cert, "--tls-key="+key, "--auth-file="+tokens)
	env := []string{"FLASHQ_SERVER=https://" + broker.Addr, "FLASHQ_CA=" + authority.Write(t), "FLASHQ_TOKEN=" + token}
	if said, code := command(t, env, "producer", "records", "news", "hello"); code != 0 {
		t.Fatal(said)
	}
	if said, code := command(t, env[:2], "topics"); code != 1 || !strings.Contains(said, "401 unauthorized") {
		t.Errorf("without a token: code %d, %s", code, said)
	}

	config := &tls.Config{RootCAs: authority.Pool}
	before, err := tls.Dial("tcp", broker.Addr, config)
	if err != nil {
		t.Fatal(err)
	}
	defer before.Close()
	reader := bufio.NewReader(before)
	serves := func() {
		t.Helper()
		if _, err := io.WriteString(before, "GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(reader, nil)
		if err != nil || res.StatusCode != 200 {
			t.Fatal(res, err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
	}
	serves()
	authority.Issue(t, "second").Write(t, dir)
	until(t, "the changed pair is shown", func() bool { return shownBy(t, config, broker.Addr) == "second" })
	serves()

	if err := os.WriteFile(key, []byte("broken"), 0o600); err != nil {
		t.Fatal(err)
	}
	until(t, "the broken pair is told of", func() bool {
		return strings.Contains(broker.Log(), "can't reload the TLS certificate; what was read before stays in force")
	})
	if got := shownBy(t, config, broker.Addr); got != "second" {
		t.Errorf("%s is shown", got)
	}
	authority.Issue(t, "third").Write(t, dir)
	broker.Signal(t, syscall.SIGHUP)
	until(t, "the pair is shown after SIGHUP", func() bool { return shownBy(t, config, broker.Addr) == "third" })
	serves()
	if strings.Contains(broker.Log(), token[3:]) {
		t.Error("the token is logged")
	}
	broker.Stop(t)
}

// What others may reach is told at the start, in one line.
func TestAnOpenBrokerSaysSo(t *testing.T) {
	broker := instance.Start(t, "--listen=0.0.0.0:0", "--insecure")
	if n := strings.Count(broker.Log(), "level=WARN"); n != 1 || !strings.Contains(broker.Log(), "everybody who reaches this address") {
		t.Error(broker.Log())
	}
	broker.Stop(t)
}
