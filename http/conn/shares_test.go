package conn

import (
	"net"
	"net/netip"
	"testing"
)

func TestSharesAreByAddress(t *testing.T) {
	s := NewShares(100, []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")})
	at := func(ip string) net.Addr { return &net.TCPAddr{IP: net.ParseIP(ip), Port: 1} }
	for _, free := range []string{"127.0.0.1", "::1", "::ffff:127.0.0.5", "10.1.2.3"} {
		if share, leave := s.enter(at(free)); share != nil {
			t.Errorf("%s has a bound", free)
			leave()
		}
	}
	one, leaveOne := s.enter(at("192.0.2.7"))
	again, leaveAgain := s.enter(at("::ffff:192.0.2.7"))
	other, leaveOther := s.enter(at("192.0.2.8"))
	if one == nil || one != again || one == other {
		t.Error("a share is not an address's own")
	}
	six, leaveSix := s.enter(at("2001:db8::1"))
	near, leaveNear := s.enter(at("2001:db8::ffff:2"))
	far, leaveFar := s.enter(at("2001:db8:0:1::1"))
	if six != near || six == far {
		t.Error("a share of IPv6 is not a network's")
	}
	leaveOne()
	leaveOne() // a connection may be closed twice
	if still, leave := s.enter(at("192.0.2.7")); still != one {
		t.Error("the share of an address ends before its last connection")
	} else {
		leave()
	}
	for _, leave := range []func(){leaveAgain, leaveOther, leaveSix, leaveNear, leaveFar} {
		leave()
	}
	if len(s.known) != 0 {
		t.Errorf("%d addresses are remembered for ever", len(s.known))
	}
}
