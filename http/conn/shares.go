package conn

import (
	"net"
	"net/netip"
	"sync"

	"flashq/budget"
)

// Shares bounds what the connections of one address hold together. This machine has no bound, nor have proxies that are
// trusted: the connections of many clients come from there. May be used by any number of goroutines.
type Shares struct {
	most    int64
	trusted []netip.Prefix

	mu    sync.Mutex
	known map[netip.Addr]*visitor
}

// visitor is an address that has connections here.
type visitor struct {
	share       *budget.Share
	connections int
}

// NewShares gives each address so many bytes.
func NewShares(most int64, trusted []netip.Prefix) *Shares {
	return &Shares{most: most, trusted: trusted, known: map[netip.Addr]*visitor{}}
}

// enter counts one more connection of an address, until leave is called. The share is nil where there is no bound.
func (s *Shares) enter(from net.Addr) (share *budget.Share, leave func()) {
	tcp, ok := from.(*net.TCPAddr)
	if !ok {
		return nil, func() {}
	}
	ip, ok := netip.AddrFromSlice(tcp.IP)
	if ip = ip.Unmap(); !ok || ip.IsLoopback() || s.trusts(ip) {
		return nil, func() {}
	}
	if ip.Is6() { // one customer has as many as that
		network, _ := ip.Prefix(64) // no address is too short for it
		ip = network.Addr()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.known[ip]
	if g == nil {
		g = &visitor{share: budget.NewShare(s.most)}
		s.known[ip] = g
	}
	g.connections++
	return g.share, sync.OnceFunc(func() { s.leave(ip) })
}

func (s *Shares) leave(ip netip.Addr) {
	s.mu.Lock()
	defer s.mu.Unlock()
	g := s.known[ip]
	if g.connections--; g.connections == 0 {
		delete(s.known, ip)
	}
}

func (s *Shares) trusts(ip netip.Addr) bool {
	for _, p := range s.trusted {
		if p.Contains(ip) {
			return true
		}
	}
	return false
}

// ShareOf is the share of the address at the other end of c, for leases; nil where there is no bound.
func ShareOf(c net.Conn) *budget.Share {
	if c := patientOf(c); c != nil {
		return c.share
	}
	return nil
}
