package loadtest

import (
	"fmt"
	"net"
	"net/url"
)

// mediaTypes is the Content-Type of each of Formats.
var mediaTypes = map[string]string{"json": "application/json", "ndjson": "application/x-ndjson"}

// request is a whole HTTP/1.1 request in one piece, so that it takes one write.
func request(method, host, path, mediaType string, body []byte) []byte {
	head := fmt.Appendf(make([]byte, 0, 256+len(body)), "%s %s HTTP/1.1\r\nHost: %s\r\n", method, path, host)
	if mediaType != "" {
		head = fmt.Appendf(head, "Content-Type: %s\r\n", mediaType)
	}
	return append(fmt.Appendf(head, "Content-Length: %d\r\n\r\n", len(body)), body...)
}

// produceRequests are the bodies as produce requests to one topic.
func produceRequests(host, topic, format string, list [][]byte) [][]byte {
	requests := make([][]byte, len(list))
	for i, body := range list {
		requests[i] = request("POST", host, "/topics/"+topic+"/records", mediaTypes[format], body)
	}
	return requests
}

// targetAddress is the host:port of a base address such as http://127.0.0.1:9000.
func targetAddress(target string) (string, error) {
	u, err := url.Parse(target)
	plain := err == nil && u.Scheme == "http" && u.Hostname() != "" && u.User == nil &&
		(u.Path == "" || u.Path == "/") && u.RawQuery == "" && u.Fragment == ""
	if !plain {
		return "", fmt.Errorf("%w: --target %q; allowed: http://host:port", ErrConfig, target)
	}
	port := u.Port()
	if port == "" {
		port = "80"
	}
	return net.JoinHostPort(u.Hostname(), port), nil
}
