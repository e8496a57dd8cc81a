package loadtest

import (
	"fmt"

	"flashq/loadtest/drive"
	"flashq/loadtest/report"
)

// mediaTypes is the Content-Type, or what Accept asks for, of each of report.Formats.
var mediaTypes = map[string]string{"json": "application/json", "ndjson": "application/x-ndjson",
	"raw": "application/octet-stream", "batch": "application/vnd.kafka.recordbatch.v2"}

// maxFetchBytes is what a fetch may ask for at most: so that records alone bound an answer.
const maxFetchBytes = 16 << 20

// cargo is what produce requests carry.
type cargo struct {
	report.Load
	bodies []body
	direct bool // requests name their partition, as those with batches have to
}

func newCargo(l report.Load) (cargo, error) {
	list, err := bodies(l)
	return cargo{Load: l, bodies: list, direct: l.Format == "batch"}, err
}

// valueBytes is what the values of one request are long.
func (c cargo) valueBytes() int64 { return int64(c.Size) * int64(c.Batch) }

// requests are the bodies as produce requests to one topic.
func (c cargo) requests(host drive.Host, topic string) [][]byte {
	requests := make([][]byte, c.rotation())
	for i := range requests {
		requests[i] = c.request(host, topic, i, c.bodies[i%len(c.bodies)])
	}
	return requests
}

// rotation is how many requests there are: batches name their partition, and all partitions are to get some.
func (c cargo) rotation() int {
	n := len(c.bodies)
	if !c.direct {
		return n
	}
	return (n + c.Partitions - 1) / c.Partitions * c.Partitions
}

// request is the i-th produce request, with this body.
func (c cargo) request(host drive.Host, topic string, i int, b body, headers ...string) []byte {
	path := "/topics/" + topic + "/records" + b.query
	if c.direct {
		path += fmt.Sprintf("?partition=%d", i%c.Partitions)
	}
	return drive.Request("POST", host, path, mediaTypes[c.Format], b.text, headers...)
}

// source sends the requests in turn.
func (c cargo) source(host drive.Host, topic string) func(loop int) drive.Source {
	requests := c.requests(host, topic)
	return func(int) drive.Source { return drive.NewFixed(requests, int64(c.Batch), c.valueBytes()) }
}

// fetchPath is a fetch of one partition from an offset on.
func fetchPath(l report.Load, topic string, partition int, offset int64) string {
	path := fmt.Sprintf("/topics/%s/records?partition=%d&from_offset=%d&max_records=%d&max_bytes=%d",
		topic, partition, offset, l.Batch, maxFetchBytes)
	if l.Encoding != "" {
		path += "&encoding=" + l.Encoding
	}
	return path
}
