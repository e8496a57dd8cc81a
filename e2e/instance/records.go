package instance

import (
	"fmt"
	"net/http"
	"testing"
)

// Record is a record as the API's JSON shows it.
type Record struct {
	Partition int     `json:"partition"`
	Offset    int64   `json:"offset"`
	Timestamp string  `json:"timestamp"`
	Key       *string `json:"key"`
	Value     *string `json:"value"`
	Headers   Headers `json:"headers"`
}

// Page is the answer to a fetch.
type Page struct {
	Records    []Record   `json:"records"`
	Lag        int64      `json:"lag"`
	Position   string     `json:"position"`
	Partitions []Progress `json:"partitions"`
}

// Progress is one partition's line in a Page.
type Progress struct {
	Partition     int   `json:"partition"`
	NextOffset    int64 `json:"next_offset"`
	HighWaterMark int64 `json:"high_water_mark"`
	Earliest      int64 `json:"earliest"`
	Gap           int64 `json:"gap"`
}

// Produced is the answer to a produce.
type Produced struct {
	Offset     int64  `json:"offset"`
	Timestamp  string `json:"timestamp"`
	Count      int    `json:"count"`
	Partitions []struct {
		Partition  int   `json:"partition"`
		BaseOffset int64 `json:"base_offset"`
		LastOffset int64 `json:"last_offset"`
	} `json:"partitions"`
}

// Produce stores records, and fails the test when they are refused.
func (i *Instance) Produce(t testing.TB, topic, contentType string, body []byte) Produced {
	t.Helper()
	var p Produced
	i.Must(t, http.StatusOK, "POST", "/topics/"+topic+"/records", contentType, body, &p)
	return p
}

// Fetch reads one page; query is without its question mark.
func (i *Instance) Fetch(t testing.TB, topic, query string) Page {
	t.Helper()
	var p Page
	i.Must(t, http.StatusOK, "GET", "/topics/"+topic+"/records?"+query, "", nil, &p)
	return p
}

// ReadFrom reads page after page from a position token ("" is the beginning) until nothing is left. It gives the
// records of each partition in the order read, and the position of the end.
func (i *Instance) ReadFrom(t testing.TB, topic, position string) (map[int][]Record, string) {
	t.Helper()
	got := map[int][]Record{}
	for {
		query := "max_records=10000&max_bytes=16777216"
		if position != "" {
			query += "&position=" + position
		}
		page := i.Fetch(t, topic, query)
		for _, r := range page.Records {
			got[r.Partition] = append(got[r.Partition], r)
		}
		position = page.Position
		if page.Lag == 0 {
			return got, position
		}
		if len(page.Records) == 0 {
			t.Fatalf("no record at %s although %d are said to be left", position, page.Lag)
		}
	}
}

// Text shows a nullable string for a message.
func Text(s *string) string {
	if s == nil {
		return "null"
	}
	return fmt.Sprintf("%q", *s)
}
