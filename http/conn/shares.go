package conn

import (
	"net"
	"net/netip"
	"sync"

	"flashq/budget"
)

// Shares counts connections, and bounds those of one address and what they hold together. This machine has no bound,
// nor have proxies that are trusted: the connections of many clients come from there. May be used by any number of
// goroutines.
type Shares struct {
	most        int64
	connections int // 0: no bound
	trusted     []netip.Prefix

	mu    sync.Mutex
	open  int
	known map[netip.Addr]*visitor
}

// visitor is an address that has connections here.
type visitor struct {
	share       *budget.Share
	connections int
}

// NewShares gives each address so many bytes, and so many connections; 0 is no bound on those.
func NewShares(most int64, connections int, trusted []netip.Prefix) *Shares {
	return &Shares{most: most, connections: connections, trusted: trusted, known: map[netip.Addr]*visitor{}}
}

// Open is how many connections there are, and the most that any address has of those that are bounded.
func (s *Shares) Open() (all, most int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range s.known {
		most = max(most, v.connections)
	}
	return s.open, most
}

// enter counts one more connection of an address until leave is called; ok is false when it has as many as it may. The
// share is nil where there is no bound.
func (s *Shares) enter(from net.Addr) (share *budget.Share, leave func(), ok bool) {
	ip, bounded := s.bounds(from)
	s.mu.Lock()
	defer s.mu.Unlock()
	if !bounded {
		s.open++
		return nil, sync.OnceFunc(s.leave), true
	}
	v := s.known[ip]
	if v == nil {
		v = &visitor{share: budget.NewShare(s.most)}
		s.known[ip] = v
	}
	if s.connections > 0 && v.connections >= s.connections {
		return nil, nil, false
	}
	s.open++
	v.connections++
	return v.share, sync.OnceFunc(func() { s.leaveFrom(ip) }), true
}

// bounds gives the address under which a connection counts, if it does.
func (s *Shares) bounds(from net.Addr) (ip netip.Addr, bounded bool) {
	tcp, ok := from.(*net.TCPAddr)
	if !ok {
		return ip, false
	}
	ip, ok = netip.AddrFromSlice(tcp.IP)
	if ip = ip.Unmap(); !ok || ip.IsLoopback() || s.trusts(ip) {
		return ip, false
	}
	if ip.Is6() { // one customer has as many as that
		network, _ := ip.Prefix(64) // no address is too short for it
		ip = network.Addr()
	}
	return ip, true
}

func (s *Shares) leave() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.open--
}

func (s *Shares) leaveFrom(ip netip.Addr) {
	s.leave()
	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.known[ip]
	if v.connections--; v.connections == 0 {
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
