package recordbody

import "testing"

// A time so long before now counts from when the whole body has come; how long that took does not make another request
// of it.
func TestARawBodysTimeBeforeNow(t *testing.T) {
	sums := map[[16]byte]bool{}
	for _, now := range []int64{1_700_000_000_000, 1_700_000_000_007} {
		var raw Raw
		var digest Digest
		digest.Reset()
		target := Target{Partitions: 1, Partition: -1, Now: now, Placements: true, Digest: &digest, Limits: Limits{ValueBytes: 9}}
		req, err := raw.Decode([]byte("hello"), Single{Timestamp: -900_000, Clock: Ago}, target)
		if err != nil {
			t.Fatal(err)
		}
		if at := req.Parts[0].LastTimestamp; at != now-900_000 {
			t.Errorf("at %d: %d", now, at)
		}
		sums[digest.Sum()] = true
		raw.Release(nil)
	}
	if len(sums) != 1 {
		t.Error("the later try is another request")
	}
}
