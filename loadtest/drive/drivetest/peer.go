// Package drivetest is a server that the tests of load generation drive.
package drivetest

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

// Peer is a server that counts what it is sent; handle may answer produce requests otherwise than with success.
type Peer struct {
	Server  *httptest.Server
	Address string
	Handle  http.HandlerFunc

	Connections atomic.Int64

	Mu       sync.Mutex
	Topics   map[string]bool // exists now
	Created  []string        // bodies of the creations
	Requests map[string]int  // by topic
	Records  int
	Bytes    int64
}

// New starts a peer; its Server is to be closed.
func New() *Peer {
	p := &Peer{Topics: map[string]bool{}, Requests: map[string]int{}}
	p.Server = httptest.NewUnstartedServer(p)
	p.Server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			p.Connections.Add(1)
		}
	}
	p.Server.Start()
	p.Address = p.Server.Listener.Addr().String()
	return p
}

func (p *Peer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	topic, found := strings.CutPrefix(r.URL.Path, "/topics/")
	if !found && r.Method == http.MethodGet {
		http.NotFound(w, r) // it is no FlashQ
		return
	}
	topic, _, _ = strings.Cut(topic, "/")
	switch r.Method {
	case http.MethodPut:
		p.Mu.Lock()
		defer p.Mu.Unlock()
		p.Topics[topic] = true
		p.Created = append(p.Created, string(body))
		w.WriteHeader(http.StatusCreated)
	case http.MethodDelete:
		p.Mu.Lock()
		defer p.Mu.Unlock()
		delete(p.Topics, topic)
		w.WriteHeader(http.StatusNoContent)
	default:
		p.count(topic, body)
		if p.Handle != nil {
			p.Handle(w, r)
			return
		}
		_, _ = io.WriteString(w, `{"offset":142}`)
	}
}

// Seen is how many records have come. The load is no net.Conn, which would tell the race detector who came first: so
// whoever sets handle, or looks at what was counted, calls this between.
func (p *Peer) Seen() int {
	p.Mu.Lock()
	defer p.Mu.Unlock()
	return p.Records
}

func (p *Peer) count(topic string, body []byte) {
	p.Mu.Lock()
	defer p.Mu.Unlock()
	if p.Topics[topic] {
		p.Requests[topic]++
	}
	p.Records += bytes.Count(body, []byte(`"value":`))
	p.Bytes += int64(len(body))
}
