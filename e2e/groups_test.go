package e2e

import (
	"net/http"
	"testing"

	"flashq/e2e/flights"
	"flashq/e2e/instance"
)

// A group reads half of the flights, the broker is killed, and the group goes on where it committed: it gets every
// flight once, in the order of its partition.
func TestGroupGoesOnAfterKill(t *testing.T) {
	for _, fsync := range []string{"interval", "always", "never"} {
		t.Run(fsync, func(t *testing.T) {
			all := flights.Load(t)
			args := []string{"--storage=file", "--data-dir=" + t.TempDir(), "--fsync=" + fsync}
			broker := instance.Start(t, args...)
			broker.CreateTopic(t, "flights", partitions)
			broker.Produce(t, "flights", "application/x-ndjson", flights.NDJSON(all))

			got := map[int][]instance.Record{}
			half := readGroup(t, broker, got, "", len(all)/2)
			broker.Must(t, http.StatusOK, "GET", "/topics/flights/records?group=g&max_records=1&ack="+half, "", nil, nil)
			broker.Kill()
			broker = instance.Start(t, args...)
			rest := readGroup(t, broker, got, "", len(all))
			sameFlights(t, "flights", all, got)

			if p := broker.Fetch(t, "flights", "group=g&ack="+rest); len(p.Records) != 0 || p.Lag != 0 {
				t.Errorf("after the last flight: %d records, lag %d", len(p.Records), p.Lag)
			}
			var group struct {
				Lag     int64
				Offsets []struct {
					Committed int64 `json:"committed_offset"`
					LagMs     int64 `json:"lag_ms"`
				}
			}
			broker.Must(t, http.StatusOK, "GET", "/groups/g", "", nil, &group)
			for p, o := range group.Offsets {
				if o.Committed != int64(len(got[p])) || o.LagMs != 0 || group.Lag != 0 {
					t.Errorf("flights-%d: committed %d of %d, lag_ms %d, lag %d", p, o.Committed, len(got[p]), o.LagMs, group.Lag)
				}
			}
			broker.Stop(t)
		})
	}
}

// readGroup reads on as a group does, acknowledging each answer with the next call, until it has so many records. It
// gives the position of the last answer, which nobody has acknowledged.
func readGroup(t *testing.T, broker *instance.Instance, got map[int][]instance.Record, ack string, until int) string {
	t.Helper()
	total := 0
	for _, records := range got {
		total += len(records)
	}
	for total < until {
		query := "group=g&max_records=1000&max_bytes=16777216"
		if ack != "" {
			query += "&ack=" + ack
		}
		page := broker.Fetch(t, "flights", query)
		if len(page.Records) == 0 {
			t.Fatalf("%d records of %d, and no more come", total, until)
		}
		for _, r := range page.Records {
			got[r.Partition] = append(got[r.Partition], r)
		}
		total += len(page.Records)
		ack = page.Position
	}
	return ack
}
