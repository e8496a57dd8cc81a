package kafka

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"flashq/e2e/instance"
)

// patience bounds every wait for Kafka; a test that meets it fails.
const patience = 2 * time.Minute

var started = regexp.MustCompile(`Kafka Server started`)

// node is a real Kafka broker in a folder of its own.
type node struct {
	dir  string
	port int
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
}

// newNode formats a folder for a broker on a free port, and doesn't start it.
func newNode(t *testing.T) *node {
	t.Helper()
	n := &node{dir: t.TempDir(), port: freePorts(t)}
	cmd, err := peer("format", n.dir, strconv.Itoa(n.port))
	if err != nil {
		t.Fatal(err)
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("format: %v: %s", err, out)
	}
	return n
}

// freePorts finds a port that is free together with the next one, which is the controller's. They are below those that
// systems give to connections, or one might have it by the time that the JVM has started.
func freePorts(t *testing.T) int {
	t.Helper()
	for range 100 {
		port := 20000 + rand.IntN(12000)
		if isFree(port) && isFree(port+1) {
			return port
		}
	}
	t.Fatal("no two free ports side by side")
	return 0
}

func isFree(port int) bool {
	l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return false
	}
	l.Close()
	return true
}

// start runs the broker and waits until it serves; it is killed when the test ends, if it still runs.
func (n *node) start(t *testing.T) {
	t.Helper()
	cmd, err := peer("serve", n.dir, strconv.Itoa(n.port))
	if err != nil {
		t.Fatal(err)
	}
	log, done := instance.NewJournal(), make(chan struct{})
	cmd.Stdout, cmd.Stderr = log, log
	instance.DieWithTest(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(done)
		_ = cmd.Wait() // a JVM that got SIGTERM ends with 143
		log.End()
	}()
	n.cmd, n.done = cmd, done
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // fails when it ended already
		<-done
		if t.Failed() {
			t.Logf("log of Kafka:\n%s", log)
		}
	})
	log.Wait(t, started)
}

// stop ends the broker cleanly.
func (n *node) stop(t *testing.T) {
	t.Helper()
	if err := n.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-n.done:
	case <-time.After(patience):
		t.Fatal("Kafka did not end")
	}
}

// client connects to the broker.
func (n *node) client(t *testing.T, options ...kgo.Opt) (*kgo.Client, context.Context) {
	t.Helper()
	client, err := kgo.NewClient(append(options, kgo.SeedBrokers(fmt.Sprintf("127.0.0.1:%d", n.port)))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return client, ctx
}

// partition is where the broker keeps a partition's files.
func (n *node) partition(topic string, partition int) string {
	return filepath.Join(n.dir, "data", fmt.Sprintf("%s-%d", topic, partition))
}
