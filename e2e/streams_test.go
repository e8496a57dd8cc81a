package e2e

import (
	"bufio"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"flashq/e2e/instance"
)

// stream is an open answer that is read line by line.
type stream struct {
	*http.Response

	lines *bufio.Reader
}

// listen asks for a stream; accept and lastEventID may be "".
func listen(t *testing.T, broker *instance.Instance, query, accept, lastEventID string) *stream {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", "http://"+broker.Addr+"/topics/"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", accept)
	if lastEventID != "" {
		req.Header.Set("Last-Event-ID", lastEventID)
	}
	client := http.Client{Timeout: time.Minute}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { res.Body.Close() })
	return &stream{res, bufio.NewReader(res.Body)}
}

// wants reads until all of text has come, which must be what comes.
func (s *stream) wants(t *testing.T, text string) {
	t.Helper()
	for want := range strings.Lines(text) {
		got, err := s.lines.ReadString('\n')
		if err != nil || got != want {
			t.Fatalf("%q (%v) instead of %q", got, err, want)
		}
	}
}

// ends wants nothing more to come.
func (s *stream) ends(t *testing.T) {
	t.Helper()
	if rest, err := s.lines.ReadString('\n'); rest != "" || err == nil {
		t.Errorf("%q (%v) instead of the end", rest, err)
	}
}

const asEvents = "text/event-stream"

func recordLine(offset int) string {
	return fmt.Sprintf(`{"partition":0,"offset":%d,"timestamp":"1970-01-01T00:00:0%d.000Z","key":null,"value":"%d","headers":null}`,
		offset, offset+1, offset)
}

// put appends the record that recordLine shows.
func put(t *testing.T, broker *instance.Instance, topic string, offset int) {
	t.Helper()
	broker.Produce(t, topic, "application/json",
		fmt.Appendf(nil, `{"records":[{"value":"%d","timestamp":%d}]}`, offset, 1000*(offset+1)))
}

// What the contract says of live streams, row by row, from the built binary over a socket.
func TestStreams(t *testing.T) {
	broker := instance.Start(t, "--storage=file", "--data-dir="+t.TempDir())
	put(t, broker, "news", 0)
	put(t, broker, "news", 1)

	live := listen(t, broker, "news/records", asEvents, "") // begins at the end
	for name, want := range map[string]string{
		"Content-Type": asEvents, "Cache-Control": "no-store", "X-Accel-Buffering": "no",
	} {
		if got := live.Header.Get(name); got != want {
			t.Errorf("%s: %q instead of %q", name, got, want)
		}
	}
	live.wants(t, "retry: 2000\nid: 0:2\n\n")
	put(t, broker, "news", 2)
	live.wants(t, "id: 0:3\ndata: "+recordLine(2)+"\n\n")

	rest := "id: 0:3\ndata: " + recordLine(2) + "\n\n"
	for _, resumed := range []*stream{
		listen(t, broker, "news/records", asEvents, "0:1"),
		listen(t, broker, "news/records?last_event_id=0:1", asEvents, ""),
		listen(t, broker, "news/records?from_offset=earliest", asEvents, "0:1"), // it wins
		listen(t, broker, "news/records?from_offset=1", asEvents, ""),
	} {
		resumed.wants(t, "retry: 2000\nid: 0:1\n\ndata: "+recordLine(1)+"\n\n"+rest)
	}
	lines := listen(t, broker, "news/records?follow=true", asLines, "")
	if lines.Header.Get("Content-Type") != asLines {
		t.Errorf("%v", lines.Header)
	}
	lines.wants(t, recordLine(0)+"\n"+recordLine(1)+"\n"+recordLine(2)+"\n")

	bounded := listen(t, broker, "news/records?from_offset=earliest&to_time=1970-01-01T00:00:02.5Z", asEvents, "")
	bounded.wants(t, "retry: 2000\nid: 0:0\n\ndata: "+recordLine(0)+"\n\nid: 0:2\ndata: "+recordLine(1)+"\n\n"+
		"event: end\ndata: {\"position\":\"0:2\"}\n\n")
	bounded.ends(t)

	if bad := listen(t, broker, "news/records", asEvents, "here"); bad.StatusCode != 400 {
		t.Errorf("a bad Last-Event-ID: status %d", bad.StatusCode)
	}
	if none := listen(t, broker, "none/records", asEvents, ""); none.StatusCode != 404 {
		t.Errorf("a stream of no topic: status %d", none.StatusCode)
	}
	broker.Must(t, 204, "DELETE", "/topics/news", "", nil, nil)
	for s, before := range map[*stream]string{live: "event: error\ndata: ", lines: ""} {
		last, _ := s.lines.ReadString('\n')
		if before != "" {
			data, _ := s.lines.ReadString('\n')
			last += data
		}
		if !strings.HasPrefix(last, before+`{"error":`) || !strings.Contains(last, `"topic_not_found"`) {
			t.Errorf("a stream whose topic is deleted ends with %q", last)
		}
	}
	put(t, broker, "later", 0)
	listen(t, broker, "later/records", asEvents, "").wants(t, "retry: 2000\nid: 0:1\n\n")
	broker.Stop(t) // does not wait for those who listen
}
