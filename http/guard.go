package http

import (
	"bytes"
	"net"
	"net/netip"
	"strings"
	"sync/atomic"

	"github.com/valyala/fasthttp"
)

// guard stops what a browser could be tricked into: names that were rebound to a loopback address, and writes that
// another site's page sends.
type guard struct {
	hosts map[string]bool // set before serving: lower case, beside loopback ones
	// passed is the Host that passed last, as it was sent: nearly every request carries the same one. Atomic.
	passed atomic.Pointer[string]
}

func newGuard(allowed []string) *guard {
	g := &guard{hosts: map[string]bool{}}
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

// checkHost refuses a Host that is neither loopback nor allowed; only asked on a loopback bind. An absolute request
// target names a host of its own, so both have to pass.
func (g *guard) checkHost(ctx *fasthttp.RequestCtx) error {
	header := ctx.Request.Header.Host()
	if !g.hostAllowed(header) || !g.hostAllowed(ctx.URI().Host()) {
		return &apiError{
			status: 403, code: "forbidden",
			message: "Host " + quote(string(header)) + " is not this machine; name it with --allowed-host",
			details: details{"host": clip(string(header))},
		}
	}
	return nil
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
	if name == "localhost" || g.hosts[name] {
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

// checkOrigin refuses a write that a page of another site sent. Programs send neither header and pass.
func checkOrigin(ctx *fasthttp.RequestCtx) error {
	h := &ctx.Request.Header
	if h.IsOptions() || (h.IsGet() || h.IsHead()) && !asGroup(ctx) {
		return nil
	}
	origin := h.Peek("Origin")
	site := h.Peek("Sec-Fetch-Site")
	foreign := string(site) == "cross-site" || string(site) == "same-site"
	if foreign || len(origin) > 0 && !sameOrigin(string(origin), string(h.Host())) {
		return &apiError{
			status: 403, code: "origin_not_allowed",
			message: "A page of another origin may not write here",
			details: details{"origin": clip(string(origin))},
		}
	}
	return nil
}

// asGroup tells whether a read may change something: it speaks for a group, and an image's address could do that.
func asGroup(ctx *fasthttp.RequestCtx) bool {
	if bytes.HasPrefix(ctx.URI().PathOriginal(), []byte("/consumer")) {
		return true
	}
	if len(ctx.URI().QueryString()) == 0 {
		return false
	}
	q := ctx.QueryArgs()
	return q.Has("group") || q.Has("member") || q.Has("ack")
}

// sameOrigin compares an Origin header with a Host header; a default port may be spelled out or not. `null` never
// passes.
func sameOrigin(origin, host string) bool {
	scheme, rest, ok := strings.Cut(strings.ToLower(origin), "://")
	if !ok || rest == "" {
		return false
	}
	standard := map[string]string{"http": "80", "https": "443"}[scheme]
	if standard == "" {
		return false
	}
	originName, originPort := splitPort(rest)
	hostName, hostPort := splitPort(strings.ToLower(host))
	if originPort == "" {
		originPort = standard
	}
	if hostPort == "" {
		hostPort = standard
	}
	return originName == hostName && originPort == hostPort
}
