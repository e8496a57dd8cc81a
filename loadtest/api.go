package loadtest

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"flashq/loadtest/drive"
)

// api asks a server what is no load. It may be used from anywhere.
type api struct {
	base   string // http://host:port
	token  string
	client *http.Client
}

func newAPI(address string, timeout time.Duration) *api {
	return &api{base: "http://" + address, client: &http.Client{
		Timeout:   timeout,
		Transport: &http.Transport{DisableKeepAlives: true, DisableCompression: true},
	}}
}

// trust has it speak to the server as the load does.
func (a *api) trust(s *server) {
	a.token = s.token
	if s.tls != nil {
		a.base = "https://" + s.address
		a.client.Transport.(*http.Transport).TLSClientConfig = s.tls.Clone()
	}
}

// reply is what the server said.
type reply struct {
	status int
	body   []byte
}

func (r reply) String() string { return drive.Told(r.status, r.body) }

func (r reply) ok() bool { return r.status/100 == 2 }

func (a *api) call(ctx context.Context, method, path, body string) (reply, error) {
	return a.do(ctx, method, path, body, mediaTypes["json"])
}

// get asks for an answer of that media type.
func (a *api) get(ctx context.Context, path, accept string) (reply, error) {
	return a.do(ctx, http.MethodGet, path, "", accept)
}

func (a *api) do(ctx context.Context, method, path, body, accept string) (reply, error) {
	req, err := http.NewRequestWithContext(ctx, method, a.base+path, strings.NewReader(body))
	if err != nil {
		return reply{}, fmt.Errorf("%s %s: %w", method, path, err)
	}
	req.Header.Set("Accept", accept)
	if a.token != "" {
		req.Header.Set("Authorization", "Bearer "+a.token)
	}
	if body != "" {
		req.Header.Set("Content-Type", mediaTypes["json"])
	}
	resp, err := a.client.Do(req)
	if err != nil {
		return reply{}, err // it names method and address
	}
	defer func() { _ = resp.Body.Close() }() // it was only read
	text, err := io.ReadAll(io.LimitReader(resp.Body, maxBody))
	if err != nil {
		return reply{}, fmt.Errorf("%s %s: %w", method, path, err)
	}
	return reply{resp.StatusCode, text}, nil
}

// A bound on what is kept takes effect segment by segment: with so many in it, within seconds, not with the first GiB.
const segmentsKept, leastSegment = 4, 1 << 20

// createTopic makes a topic with its partitions. A server without that route makes one of one partition at the first
// record.
func (a *api) createTopic(ctx context.Context, topic string, partitions int, retention int64) error {
	body := fmt.Sprintf(`{"partitions":%d}`, partitions)
	if retention > 0 {
		body = fmt.Sprintf(`{"partitions":%d,"retention_bytes":%d,"segment_bytes":%d}`, partitions, retention,
			min(max(retention/segmentsKept, leastSegment), 1<<30))
	}
	r, err := a.call(ctx, "PUT", "/topics/"+topic, body)
	if err != nil {
		return fmt.Errorf("create topic %s: %w", topic, err)
	}
	missing := r.status == 404 || r.status == 405
	if r.ok() || missing && partitions == 1 && retention == 0 {
		return nil
	}
	return fmt.Errorf("create topic %s: the server answered %s", topic, r)
}

// deleteTopic gives a round's memory and disk back, so that the next round finds what this one found. It tells
// whether the server did so.
func (a *api) deleteTopic(ctx context.Context, topic string) (bool, error) {
	r, err := a.call(ctx, "DELETE", "/topics/"+topic, "")
	if err != nil {
		return false, fmt.Errorf("delete topic %s: %w", topic, err)
	}
	return r.ok(), nil
}

// version is what the server says that it is, "" where it doesn't.
func (a *api) version(ctx context.Context) string {
	r, err := a.call(ctx, "GET", "/health", "")
	var answer struct{ Service, Version string }
	if err != nil || !r.ok() || json.Unmarshal(r.body, &answer) != nil || answer.Service != "flashq" {
		return ""
	}
	return answer.Version
}

// extent is what one partition holds.
type extent struct {
	Partition int   `json:"partition"`
	Earliest  int64 `json:"earliest"`
	End       int64 `json:"high_water_mark"`
}

// extents are the partitions of a topic; none where there is no such topic.
func (a *api) extents(ctx context.Context, topic string) ([]extent, error) {
	r, err := a.call(ctx, "GET", "/topics/"+topic, "")
	if err != nil || r.status == 404 {
		return nil, err
	}
	var answer struct{ Details []extent }
	if err := json.Unmarshal(r.body, &answer); !r.ok() || err != nil {
		return nil, fmt.Errorf("topic %s: the server answered %s", topic, r)
	}
	return answer.Details, nil
}
