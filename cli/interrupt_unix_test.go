//go:build unix

package cli

import (
	nethttp "net/http"
	"os"
	"strings"
	"syscall"
	"testing"

	"flashq/http"
)

// Ctrl-C ends a fetch that waits, with the code that shells know for it and nothing on standard output.
func TestAnInterruptEndsAWait(t *testing.T) {
	url := serveAt(t, http.Config{MaxWaiters: 1})
	if code, _, stderr := flashq("topic", "create", "news", "--server", url); code != exitOK {
		t.Fatal(stderr)
	}
	go func() {
		for mayWait(t, url) { // when one more may not wait, the command waits
		}
		_ = syscall.Kill(os.Getpid(), syscall.SIGINT) // cannot fail
	}()
	code, stdout, stderr := flashq("consumer", "fetch", "g", "news", "--timeout-ms=60000", "--server", url)
	for code == exitFailed && strings.Contains(stderr, "overloaded") { // the other one took the only place
		code, stdout, stderr = flashq("consumer", "fetch", "g", "news", "--timeout-ms=60000", "--server", url)
	}
	if code != exitInterrupted || stdout != "" || stderr != "flashq: interrupted\n" {
		t.Errorf("exit %d: %s%s", code, stdout, stderr)
	}
}

func mayWait(t *testing.T, url string) bool {
	return status(t, url+"/topics/news/records?timeout_ms=1") != nethttp.StatusTooManyRequests
}
