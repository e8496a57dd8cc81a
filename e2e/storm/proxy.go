package storm

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Proxy passes connections on to a broker, and cuts each of them somewhere: in the middle of a request, in the middle of
// an answer, or after a request, which the broker then works on for nobody. While no broker is there, connections wait.
type Proxy struct {
	Addr string

	ln   net.Listener
	all  sync.WaitGroup
	mu   sync.Mutex
	more *sync.Cond // backend or closed changed
	// backend is the broker's address; "": there is none
	backend string
	closed  bool
	open    map[net.Conn]bool

	// How many connections were cut, by where.
	inRequests, inAnswers, after atomic.Int64
}

// NewProxy listens until the test ends.
func NewProxy(t testing.TB) *Proxy {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{Addr: ln.Addr().String(), ln: ln, open: map[net.Conn]bool{}}
	p.more = sync.NewCond(&p.mu)
	p.all.Go(p.accept)
	t.Cleanup(p.close)
	return p
}

// To says which broker is there; "" is none.
func (p *Proxy) To(backend string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.backend = backend
	p.more.Broadcast()
}

// Cuts is how many connections were cut.
func (p *Proxy) Cuts() int64 { return p.inRequests.Load() + p.inAnswers.Load() + p.after.Load() }

func (p *Proxy) String() string {
	return fmt.Sprintf("%d connections cut in requests, %d in answers, %d between",
		p.inRequests.Load(), p.inAnswers.Load(), p.after.Load())
}

func (p *Proxy) close() {
	p.mu.Lock()
	p.closed = true
	p.more.Broadcast()
	for c := range p.open {
		c.Close()
	}
	p.mu.Unlock()
	p.ln.Close()
	p.all.Wait()
}

func (p *Proxy) accept() {
	for {
		c, err := p.ln.Accept()
		if err != nil {
			return
		}
		p.all.Go(func() {
			defer p.forget(c)
			p.pass(c)
		})
	}
}

// keep lets close end a connection; false: it is too late for that.
func (p *Proxy) keep(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open[c] = true
	return !p.closed
}

func (p *Proxy) forget(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, c)
	c.Close()
}

// broker waits for a backend; "" when the proxy ends.
func (p *Proxy) broker() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.backend == "" && !p.closed {
		p.more.Wait()
	}
	if p.closed {
		return ""
	}
	return p.backend
}

// pass serves one connection.
func (p *Proxy) pass(client net.Conn) {
	if !p.keep(client) {
		return
	}
	addr := p.broker()
	if addr == "" {
		return
	}
	broker, err := net.Dial("tcp", addr)
	if err != nil {
		return // it was killed just now
	}
	defer p.forget(broker)
	if !p.keep(broker) {
		return
	}
	const request, answer = 1500, 500 // about as large as they are, with their heads
	var up, down sync.WaitGroup
	switch rand.IntN(4) {
	case 0:
		up.Go(func() { cut(broker, client, 1+rand.IntN(5*request), &p.inRequests, client, broker) })
		down.Go(func() { cut(client, broker, -1, nil, client, broker) })
	case 1, 2:
		up.Go(func() { cut(broker, client, -1, nil, client, broker) })
		down.Go(func() { cut(client, broker, 1+rand.IntN(5*answer), &p.inAnswers, client, broker) })
	default:
		up.Go(func() { passOn(broker, client, 1+rand.IntN(5*request), &p.after) })
		down.Go(func() { cut(client, broker, -1, nil, client, broker) })
	}
	up.Wait()
	down.Wait()
}

// cut copies so many bytes (-1: all), and closes what is to be closed.
func cut(to, from net.Conn, most int, count *atomic.Int64, ends ...net.Conn) {
	var in io.Reader = from
	if most >= 0 {
		in = io.LimitReader(from, int64(most))
	}
	n, err := io.Copy(to, in)
	if err == nil && n == int64(most) {
		count.Add(1)
	}
	for _, c := range ends {
		if tcp, ok := c.(*net.TCPConn); ok && n%2 == 0 {
			_ = tcp.SetLinger(0) // a reset instead of an end
		}
		c.Close()
	}
}

// passOn copies until so many bytes have come, with all that came together with the last of them. Then the client is
// alone, while the broker may still do what was asked.
func passOn(broker, client net.Conn, most int, count *atomic.Int64) {
	buf := make([]byte, 64<<10)
	for n := 0; n < most; {
		k, err := client.Read(buf)
		if err == nil {
			_, err = broker.Write(buf[:k])
		}
		if err != nil {
			client.Close()
			broker.Close()
			return
		}
		n += k
	}
	count.Add(1)
	client.Close()
	// The broker's answer meets a client that is gone, and ends the other direction; so does a broker that is silent.
	_ = broker.SetReadDeadline(time.Now().Add(time.Second))
}
