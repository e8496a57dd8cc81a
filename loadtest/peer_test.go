package loadtest

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
)

// peer is a server that counts what it is sent; handle may answer produce requests otherwise than with success.
type peer struct {
	server  *httptest.Server
	address string
	handle  http.HandlerFunc

	connections atomic.Int64

	mu       sync.Mutex
	topics   map[string]bool // exists now
	created  []string        // bodies of the creations
	requests map[string]int  // by topic
	records  int
	bytes    int64
}

func newPeer() *peer {
	p := &peer{topics: map[string]bool{}, requests: map[string]int{}}
	p.server = httptest.NewUnstartedServer(p)
	p.server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			p.connections.Add(1)
		}
	}
	p.server.Start()
	p.address = p.server.Listener.Addr().String()
	return p
}

func (p *peer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	topic := strings.Split(r.URL.Path, "/")[2]
	switch r.Method {
	case http.MethodPut:
		p.mu.Lock()
		defer p.mu.Unlock()
		p.topics[topic] = true
		p.created = append(p.created, string(body))
		w.WriteHeader(http.StatusCreated)
	case http.MethodDelete:
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.topics, topic)
		w.WriteHeader(http.StatusNoContent)
	default:
		p.count(topic, body)
		if p.handle != nil {
			p.handle(w, r)
			return
		}
		_, _ = io.WriteString(w, noopAnswer)
	}
}

// seen is how many records have come. The load is no net.Conn, which would tell the race detector who came first: so
// whoever sets handle, or looks at what was counted, calls this between.
func (p *peer) seen() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.records
}

func (p *peer) count(topic string, body []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.topics[topic] {
		p.requests[topic]++
	}
	p.records += bytes.Count(body, []byte(`"value":`))
	p.bytes += int64(len(body))
}
