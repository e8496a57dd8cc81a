package http

import (
	"cmp"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"

	"flashq/http/fault"
	"flashq/http/request"
)

// guard stops what a browser could be tricked into: names that were rebound to a loopback address, and writes that
// another site's page sends.
type guard struct {
	hosts   map[string]bool // set before serving: lower case, beside loopback ones
	origins origins
	// passed is the Host that passed last, as it was sent: nearly every request carries the same one. Atomic.
	passed   atomic.Pointer[string]
	loopback atomic.Bool // only this machine can reach the listener
}

func newGuard(allowed []string, listed origins) *guard {
	g := &guard{hosts: map[string]bool{}, origins: listed}
	for _, h := range allowed {
		g.hosts[strings.ToLower(h)] = true
	}
	return g
}

// isLoopback tells whether only this machine can reach the listener.
func isLoopback(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && tcp.IP.IsLoopback()
}

// checkHost refuses a Host that is neither loopback nor allowed, on a loopback bind. An absolute request target names a
// host of its own, so both have to pass.
func (g *guard) checkHost(c *call) error {
	if !g.loopback.Load() {
		return nil
	}
	if err := g.checkHostNamed(c.head.Host); err != nil {
		return err
	}
	return g.checkHostNamed(c.ctx.URI().Host())
}

func (g *guard) checkHostNamed(host []byte) error {
	if len(host) > 0 && g.loopback.Load() && !g.hostAllowed(host) { // HTTP/1.0 may name none: nobody's rebound name
		return foreignHost(string(host))
	}
	return nil
}

func foreignHost(host string) error {
	return fault.Forbidden.New("Host "+fault.Quote(host)+" is not this machine; name it with --allowed-host",
		fault.Details{"host": fault.Clip(host)})
}

func (g *guard) hostAllowed(host []byte) bool {
	if last := g.passed.Load(); last != nil && string(host) == *last {
		return true
	}
	sent := string(host)
	if !g.nameAllowed(strings.ToLower(sent)) {
		return false
	}
	g.passed.Store(&sent)
	return true
}

func (g *guard) nameAllowed(host string) bool {
	name, _ := splitPort(host)
	name = strings.TrimSuffix(name, ".")
	if g.hosts[host] {
		return true
	}
	if name == "localhost" || strings.HasSuffix(name, ".localhost") || g.hosts[name] {
		return true
	}
	ip, err := netip.ParseAddr(strings.Trim(name, "[]"))
	return err == nil && ip.IsLoopback()
}

// splitPort cuts the port off a host; brackets of an IPv6 address stay.
func splitPort(host string) (name, port string) {
	i := strings.LastIndexByte(host, ':')
	if i < 0 || strings.HasSuffix(host, "]") {
		return host, ""
	}
	return host[:i], host[i+1:]
}

// checkOrigin refuses a change that a page of another site asks for. Programs send neither header and pass.
func (g *guard) checkOrigin(h *request.Head) error {
	if h.Origin == nil && h.FetchSite == nil || g.origins.has(h.Origin) {
		return nil
	}
	foreign := string(h.FetchSite) == "cross-site" || string(h.FetchSite) == "same-site"
	if foreign || len(h.Origin) > 0 && !isOwnOrigin(string(h.Origin), string(h.Host)) {
		return foreignOrigin(string(h.Origin))
	}
	return nil
}

// foreignOrigin names the cure where there is one: an origin that can be listed.
func foreignOrigin(origin string) error {
	message := "A page of another site may not write here, nor read for a group"
	switch listed, err := ParseOrigin(origin); {
	case err == nil:
		message = "Origin " + listed + " may not write here, nor read for a group; who runs the broker can let it: " +
			"--cors-origin " + listed
	case origin != "":
		message = "Origin " + fault.Quote(origin) + " may not write here, nor read for a group"
	}
	return fault.OriginNotAllowed.New(message, fault.Details{"origin": fault.Clip(origin)})
}

// isOwnOrigin tells whether an Origin header is of the host and port that the request was sent to. The scheme is not
// compared: what stands before the broker may speak another one. So a Host without a port is of either's default.
// `null` never passes.
func isOwnOrigin(origin, host string) bool {
	scheme, rest, _ := strings.Cut(strings.ToLower(origin), "://")
	standard, known := standardPorts[scheme]
	if !known {
		return false
	}
	originName, originPort := splitPort(rest)
	hostName, hostPort := splitPort(strings.ToLower(host))
	originPort = cmp.Or(originPort, standard)
	if hostPort == "" && (originPort == standardPorts["http"] || originPort == standardPorts["https"]) {
		hostPort = originPort
	}
	return originName != "" && originName == hostName && originPort == hostPort
}

var standardPorts = map[string]string{"http": "80", "https": "443"}
