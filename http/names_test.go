package http

import "testing"

// A name becomes a folder: nothing that could climb out of it may reach the broker, however it is written.
func TestEscapedNamesNeverReachTheBroker(t *testing.T) {
	f := start(t, Config{})
	for _, path := range []string{
		"/topics/..%2fx", "/topics/%2e%2e", "/topics/a%2fb", "/topics/a%00b", "/topics/a%20b", "/topics/__flashq_meta",
	} {
		request := "PUT " + path + " HTTP/1.1\r\nHost: flashq\r\nContent-Length: 0\r\n\r\n"
		f.raw(request).wantError(t, 400, "validation_error")
	}
	for _, path := range []string{
		"/topics/../topics/x/records", "/topics/x/../../y", "/topics/x/", "/topics/x/records/", "//topics",
	} {
		f.raw("GET "+path+" HTTP/1.1\r\nHost: flashq\r\n\r\n").wantError(t, 404, "not_found")
	}
	if got := f.get("/topics").want(t, 200).body; got != `{"topics":[]}` {
		t.Error(got)
	}
}
