package http

import (
	"bufio"
	"bytes"
	"strings"
	"testing"
)

// No answer is kept by anybody on the way, also one to what was refused by its head, or could not be read.
func TestEveryAnswerIsNotToBeKept(t *testing.T) {
	f := start(t, Config{})
	const large = "Content-Type: application/json\r\nContent-Length: 99999999\r\n"
	answers := map[string]answer{
		"413, unsent":       f.raw(oneRequest("POST /topics/news/records", large, "")).want(t, 413),
		"413, 100-continue": f.raw(oneRequest("POST /topics/news/records", large+"Expect: 100-continue\r\n", "")).want(t, 413),
		"431":               f.raw(oneRequest("GET /health", "X: "+strings.Repeat("x", 17<<10)+"\r\n", "")).want(t, 431),
		"400":               f.raw("GET /health HTTP/1.1\r\nX Y\r\n\r\n").want(t, 400),
	}
	for name, text := range map[string][]byte{"no TLS": f.s.notEncrypted(), "429": f.s.tooMany()} {
		answers[name] = readAnswer(t, bufio.NewReader(bytes.NewReader(text)))
	}
	for name, a := range answers {
		if a.header.Get("Cache-Control") != "no-store" || a.header.Get("Vary") != "Accept, Accept-Encoding" ||
			len(a.header.Values("Cache-Control"))+len(a.header.Values("Vary")) != 2 || a.header.Get("FlashQ-Request-Id") == "" {
			t.Errorf("%s: %v", name, a.header)
		}
	}
}
