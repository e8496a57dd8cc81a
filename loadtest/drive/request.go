package drive

import "fmt"

// Request is a whole HTTP/1.1 request in one piece, so that it takes one write. Headers are lines such as "A: b".
func Request(method, host, path, mediaType string, body []byte, headers ...string) []byte {
	head := fmt.Appendf(make([]byte, 0, 256+len(body)), "%s %s HTTP/1.1\r\nHost: %s\r\n", method, path, host)
	if mediaType != "" {
		head = fmt.Appendf(head, "Content-Type: %s\r\n", mediaType)
	}
	for _, line := range headers {
		head = fmt.Appendf(head, "%s\r\n", line)
	}
	return append(fmt.Appendf(head, "Content-Length: %d\r\n\r\n", len(body)), body...)
}

// Get is a whole GET request.
func Get(host, path, accept string) []byte {
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: %s\r\nAccept: %s\r\n\r\n", path, host, accept)
}
