package report

import "fmt"

// Verdict is what e2e found about the records; all but the first two should be zero.
type Verdict struct {
	Acknowledged int64 `json:"acknowledged"`
	Received     int64 `json:"received"` // once each
	Lost         int64 `json:"lost"`     // acknowledged and not received
	Doubled      int64 `json:"doubled"`  // received again
	OutOfOrder   int64 `json:"out_of_order"`
	// Unacknowledged ones came although their request had no answer, or another one: that is allowed.
	Unacknowledged int64 `json:"received_unacknowledged"`
	Strangers      int64 `json:"strangers"` // records of others
}

// faulty tells whether the server broke what it promises.
func (v Verdict) faulty() bool { return v.Lost > 0 || v.Doubled > 0 || v.OutOfOrder > 0 }

func (v Verdict) String() string {
	return fmt.Sprintf("acknowledged %d, received %d, lost %d, doubled %d, out of order %d", v.Acknowledged, v.Received,
		v.Lost, v.Doubled, v.OutOfOrder)
}

// add sums verdicts up.
func (v Verdict) add(o Verdict) Verdict {
	return Verdict{v.Acknowledged + o.Acknowledged, v.Received + o.Received, v.Lost + o.Lost, v.Doubled + o.Doubled,
		v.OutOfOrder + o.OutOfOrder, v.Unacknowledged + o.Unacknowledged, v.Strangers + o.Strangers}
}

// Replays is what became of requests that were sent once more with the same Idempotency-Key.
type Replays struct {
	Answered  int64 `json:"answered"`
	Unmarked  int64 `json:"unmarked"`  // not told to be replays
	Different int64 `json:"different"` // not answered as the first time
}

// faulty tells whether a replay was taken for a new request.
func (r Replays) faulty() bool { return r.Unmarked > 0 || r.Different > 0 }

func (r Replays) String() string {
	return fmt.Sprintf("answered %d, not marked %d, answered otherwise %d", r.Answered, r.Unmarked, r.Different)
}

func (r Replays) add(o Replays) Replays {
	return Replays{r.Answered + o.Answered, r.Unmarked + o.Unmarked, r.Different + o.Different}
}
