package loadtest

import (
	"fmt"

	"flashq/loadtest/drive"
)

// mediaTypes is the Content-Type of each of report.Formats.
var mediaTypes = map[string]string{"json": "application/json", "ndjson": "application/x-ndjson"}

// produceRequests are the bodies as produce requests to one topic.
func produceRequests(host, topic, format string, list [][]byte) [][]byte {
	requests := make([][]byte, len(list))
	for i, body := range list {
		requests[i] = drive.Request("POST", host, "/topics/"+topic+"/records", mediaTypes[format], body)
	}
	return requests
}

// fetchRequest is a fetch of one partition from an offset on.
func fetchRequest(host, topic, format string, partition int, offset int64, records int) []byte {
	path := fmt.Sprintf("/topics/%s/records?partition=%d&from_offset=%d&max_records=%d&max_bytes=%d",
		topic, partition, offset, records, maxFetchBytes)
	return drive.Get(host, path, mediaTypes[format])
}

// maxFetchBytes is what a fetch may ask for at most: so that records alone bound an answer.
const maxFetchBytes = 16 << 20
