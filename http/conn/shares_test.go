package conn

import (
	"net"
	"net/netip"
	"testing"
)

func TestSharesAreByAddress(t *testing.T) {
	s := NewShares(100, 3, []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")})
	at := func(ip string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(ip), Port: 1} }
	for _, free := range []string{"127.0.0.1", "::1", "::ffff:127.0.0.5", "10.1.2.3"} {
		if share, leave, _ := s.enter(at(free)); share != nil {
			t.Errorf("%s has a bound", free)
		} else {
			leave()
		}
	}
	one, leaveOne, _ := s.enter(at("192.0.2.7"))
	again, leaveAgain, _ := s.enter(at("::ffff:192.0.2.7"))
	other, leaveOther, _ := s.enter(at("192.0.2.8"))
	if one == nil || one != again || one == other {
		t.Error("a share is not an address's own")
	}
	six, leaveSix, _ := s.enter(at("2001:db8::1"))
	near, leaveNear, _ := s.enter(at("2001:db8::ffff:2"))
	far, leaveFar, _ := s.enter(at("2001:db8:0:1::1"))
	if six != near || six == far {
		t.Error("a share of IPv6 is not a network's")
	}
	leaveOne()
	leaveOne() // a connection may be closed twice
	if still, leave, _ := s.enter(at("192.0.2.7")); still != one {
		t.Error("the share of an address ends before its last connection")
	} else {
		leave()
	}
	if all, most := s.Open(); all != 5 || most != 2 {
		t.Errorf("%d are open, %d at most from one address", all, most)
	}
	for _, leave := range []func(){leaveAgain, leaveOther, leaveSix, leaveNear, leaveFar} {
		leave()
	}
	if len(s.known) != 0 {
		t.Errorf("%d addresses are remembered for ever", len(s.known))
	}
}

// An address has so many connections and no more; others, and this machine, have theirs.
func TestAnAddressHasItsNumberOfConnections(t *testing.T) {
	s := NewShares(100, 3, nil)
	at := func(ip string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(ip), Port: 1} }
	var leave []func()
	for i := range 6 {
		_, l, ok := s.enter(at("192.0.2.7"))
		if ok != (i < 3) {
			t.Errorf("connection %d: %v", i, ok)
		} else if ok {
			leave = append(leave, l)
		}
		for _, other := range []string{"127.0.0.1", "2001:db8:0:" + string('1'+rune(i)) + "::1"} {
			if _, l, ok := s.enter(at(other)); !ok {
				t.Errorf("%s has a bound", other)
			} else {
				l()
			}
		}
	}
	leave[0]()
	if _, _, ok := s.enter(at("192.0.2.7")); !ok {
		t.Error("one that has left counts")
	}
}
