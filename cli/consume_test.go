package cli

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"flashq/client"
	"flashq/http"
)

// A member that lost its hold says so, and begins again at what is committed.
func TestAFencedMemberJoinsAgain(t *testing.T) {
	url := serveAt(t, http.Config{})
	c, err := client.New(client.Config{Server: url})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if code, _, stderr := flashq("producer", "records", "news", "fog", "--server", url); code != exitOK {
		t.Fatal(stderr)
	}
	out, stdout := io.Pipe()
	var errs bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		ended <- Run([]string{
			"consume", "news", "-g", "g", "--member", "ann", "--count", "2", "-o", "ndjson", "--server", url,
		}, stdout, &errs)
		stdout.Close()
	}()
	// It has joined, so its record comes; it stands in the write until somebody reads.
	for deadline := time.Now().Add(20 * time.Second); ; {
		g, err := c.Group(t.Context(), "g")
		if err == nil && len(g.Members) == 1 {
			break
		}
		var refused *client.Error
		if time.Now().After(deadline) || err != nil && !errors.As(err, &refused) {
			t.Fatalf("no member: %+v, %v", g, err)
		}
	}
	reset := []client.CommitItem{{Topic: "news", At: "earliest"}}
	if _, err := c.Commit(t.Context(), "g", reset, client.CommitOptions{Force: true}); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(out)
	if code := <-ended; code != exitOK || err != nil {
		t.Errorf("exit %d, %v: %s", code, err, errs.String())
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(lines) != 2 || lines[0] != lines[1] || !strings.Contains(lines[0], `"fog"`) {
		t.Errorf("written: %s", text)
	}
	if !strings.HasPrefix(errs.String(), "flashq: 409 fenced: Member 'ann'") || strings.Count(errs.String(), "\n") != 2 {
		t.Errorf("said: %s", errs.String())
	}
	g, err := c.Group(t.Context(), "g")
	if err != nil || len(g.Members) != 0 || g.Lag != 0 || *g.Offsets[0].CommittedOffset != 1 {
		t.Errorf("left over: %+v, %v", g, err)
	}
}

// What could not be written is not acknowledged, and its member leaves.
func TestAConsumerWhoseOutputFailsAcknowledgesNothing(t *testing.T) {
	url := serveAt(t, http.Config{})
	if code, _, stderr := flashq("producer", "records", "news", "fog", "--server", url); code != exitOK {
		t.Fatal(stderr)
	}
	out, stdout := io.Pipe()
	out.Close()
	var errs bytes.Buffer
	code := Run([]string{"consume", "news", "-g", "g", "--server", url}, stdout, &errs)
	if code != exitFailed || !strings.Contains(errs.String(), "write the records: ") {
		t.Errorf("exit %d: %s", code, errs.String())
	}
	// Neither a member nor a commit: there is nothing to keep of the group.
	if code, _, stderr := flashq("group", "describe", "g", "--server", url); code != exitFailed || !strings.Contains(stderr, "group_not_found") {
		t.Errorf("exit %d: %s", code, stderr)
	}
}

// A count that ends within a page is kept to the record.
func TestACountIsKeptToTheRecord(t *testing.T) {
	url := serveAt(t, http.Config{})
	for _, value := range []string{"a", "b", "c", "d"} {
		if code, _, stderr := flashq("producer", "records", "news", value, "--server", url); code != exitOK {
			t.Fatal(stderr)
		}
	}
	code, stdout, stderr := flashq("consume", "news", "-g", "g", "--count", "3", "--max-records", "2", "-o", "ndjson",
		"--server", url)
	if code != exitOK || strings.Count(stdout, "\n") != 3 {
		t.Errorf("exit %d: %s%s", code, stdout, stderr)
	}
}

// A commit that is refused is told: who reads on would else get the records again, and not know why.
func TestACommitThatIsRefusedIsTold(t *testing.T) {
	url := serveAt(t, http.Config{})
	if code, _, stderr := flashq("producer", "records", "news", "fog", "--server", url); code != exitOK {
		t.Fatal(stderr)
	}
	c, err := client.New(client.Config{Server: url})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.JoinGroup(t.Context(), "g", "ann", client.JoinOptions{Topics: []string{"news"}}); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := flashq("consumer", "fetch", "g", "news", "--from-offset=0", "--ack", "-o=ndjson", "--server", url)
	if code != exitFailed || !strings.Contains(stdout, "fog") || !strings.Contains(stderr, "printed, but not committed: 409 ") {
		t.Errorf("exit %d: %s%s", code, stdout, stderr)
	}
}

func TestAMembersNameIsOneThatTheBrokerTakes(t *testing.T) {
	one, other := memberName(), memberName()
	if one == other || len(one) > 255 || strings.Trim(one, "-_0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		t.Errorf("%q, %q", one, other)
	}
}
