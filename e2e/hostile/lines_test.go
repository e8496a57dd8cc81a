package hostile

import (
	"strings"
	"testing"
)

// What is no HTTP, or hardly.
func TestRequestLines(t *testing.T) {
	const host = "\r\nHost: localhost\r\n\r\n"
	bad := func(name, send string) row {
		return row{name: name, send: send, status: 400, code: "invalid_request", ends: true}
	}
	hit(t, []row{
		bad("a TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"+strings.Repeat("\xaa", 500)),
		bad("an SSH banner", "SSH-2.0-OpenSSH_9.7\r\n\r\n"),
		bad("HTTP/2 with prior knowledge", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00"),
		bad("a request of Kafka's", "\x00\x00\x00\x1b\x00\x12\x00\x04\x00\x00\x00\x01\x00\x07console\x00\x00\r\n\r\n"),
		bad("no version", "GET /health\r\n\r\n"),
		bad("HTTP/0.9", "GET /health HTTP/0.9"+host),
		bad("HTTP/2.0", "GET /health HTTP/2.0"+host),
		{name: "HTTP/1.2", send: "GET /health HTTP/1.2" + host, status: 200},
		bad("HTTP/1.", "GET /health HTTP/1."+host),
		bad("HTTP/1.10", "GET /health HTTP/1.10"+host),
		bad("HTTP/01.1", "GET /health HTTP/01.1"+host),
		bad("HTTP/1,1", "GET /health HTTP/1,1"+host),
		bad("a version in small letters", "GET /health http/1.1"+host),
		bad("another protocol", "GET /health ICE/1.1"+host),
		bad("a version and more", "GET /health HTTP/1.1 x"+host),
		bad("two blanks before the target", "GET  /health HTTP/1.1"+host),
		bad("two blanks before the version", "GET /health  HTTP/1.1"+host),
		bad("a tab for a blank", "GET\t/health\tHTTP/1.1"+host),
		bad("a blank first", " GET /health HTTP/1.1"+host),
		bad("a blank in the target", "GET /hea lth HTTP/1.1"+host),
		bad("no target", "GET HTTP/1.1"+host),
		bad("no method", "/health HTTP/1.1"+host),
		bad("a method and no more", "GET\r\n\r\n"),
		bad("NUL in the method", "G\x00T /health HTTP/1.1"+host),
		bad("NUL in the target", "GET /hea\x00lth HTTP/1.1"+host),
		bad("NUL first", "\x00GET /health HTTP/1.1"+host),
		bad("CR in the target", "GET /hea\rlth HTTP/1.1"+host),
		bad("a control character in the target", "GET /hea\x07lth HTTP/1.1"+host),
		bad("DEL in the target", "GET /hea\x7flth HTTP/1.1"+host),
		bad("a method that is no token", "GE{T /health HTTP/1.1"+host),
		bad("a method with a colon", "GET: /health HTTP/1.1"+host),
		bad("a target without a slash", "GET health HTTP/1.1"+host),
		bad("a header line for a request line", "Host: localhost\r\n\r\n"),
		bad("a fragment in the target", "GET /health#a HTTP/1.1"+host),
		{name: "a small method", send: "get /health HTTP/1.1" + host, status: 405, code: "method_not_allowed"},
		{name: "a method that nobody has", send: bodiless("BREW", "/health"), status: 405, code: "method_not_allowed"},
		{name: "TRACE", send: bodiless("TRACE", "/health"), status: 405, code: "method_not_allowed"},
		{name: "a method of 8 KiB", send: bodiless(strings.Repeat("A", 8<<10), "/health"), status: 405, code: "method_not_allowed"},
		{name: "CONNECT", send: bodiless("CONNECT", "localhost:80"), status: 404, code: "not_found"},
		{name: "OPTIONS of everything", send: bodiless("OPTIONS", "*"), status: 204},
		{name: "an empty line first", send: "\r\n" + get("/health"), status: 200},
		bad("line feeds alone", "GET /health HTTP/1.1\nHost: localhost\n\n"),
		{name: "line feeds between headers", send: "GET /health HTTP/1.1\nHost: localhost\nX: y\r\n\r\n", status: 200},
		{name: "an absolute target", send: get("http://localhost/health"), status: 200},
		{name: "an absolute target elsewhere", send: get("http://evil.example/health"), status: 403, code: "forbidden"},
		{name: "a target with a user", send: get("http://localhost@evil.example/health"), status: 403, code: "forbidden"},
		{name: "two slashes first", send: get("//evil.example/health"), status: 404, code: "not_found"},
		{name: "HTTP/1.0", send: "GET /health HTTP/1.0\r\n\r\n", status: 200},
		{name: "an unknown route", send: get("/nowhere"), status: 404, code: "not_found"},
		{name: "a route and a slash", send: get("/topics/"), status: 404, code: "not_found"},
		{name: "slashes in a row", send: get("/topics//news//records"), status: 404, code: "not_found"},
		{name: "steps in the path", send: get("/topics/./news/records"), status: 404, code: "not_found"},
		{name: "a route in capitals", send: get("/TOPICS"), status: 404, code: "not_found"},
		{name: "semicolons in the path", send: get("/topics;v=1"), status: 404, code: "not_found"},
		{name: "a broken escape in the path", send: get("/top%ics"), status: 404, code: "not_found"},
		{name: "a backslash in the path", send: get(`/topics\news`), status: 404, code: "not_found"},
		bad("half a request line", "GET /heal"),
		bad("half a head", "GET /health HTTP/1.1\r\nHost: loc"),
		{name: "nothing", send: "", ends: true},
		{name: "empty lines", send: "\r\n\r\n\r\n\r\n", ends: true},
	})
}
