package drive

import "fmt"

// Host is whom requests are for.
type Host struct {
	Name  string // host:port
	Token string // sent with each of them; "": none
}

// fields are the lines of a head that say so.
func (h Host) fields() string {
	if h.Token == "" {
		return "Host: " + h.Name + "\r\n"
	}
	return "Host: " + h.Name + "\r\nAuthorization: Bearer " + h.Token + "\r\n"
}

// Request is a whole HTTP/1.1 request in one piece, so that it takes one write. Headers are lines such as "A: b".
func Request(method string, host Host, path, mediaType string, body []byte, headers ...string) []byte {
	head := fmt.Appendf(make([]byte, 0, 256+len(body)), "%s %s HTTP/1.1\r\n%s", method, path, host.fields())
	if mediaType != "" {
		head = fmt.Appendf(head, "Content-Type: %s\r\n", mediaType)
	}
	for _, line := range headers {
		head = fmt.Appendf(head, "%s\r\n", line)
	}
	return append(fmt.Appendf(head, "Content-Length: %d\r\n\r\n", len(body)), body...)
}

// Get is a whole GET request.
func Get(host Host, path, accept string) []byte {
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\n%sAccept: %s\r\n\r\n", path, host.fields(), accept)
}
