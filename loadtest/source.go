package loadtest

// source says what a loop's connections ask, and judges what they are answered. It is called by one loop alone.
type source interface {
	// more tells whether this connection has anything to ask; at the end it has not.
	more(connection int) bool
	// next is the request to send now, valid until the connection's next one; meant is when it was to be sent.
	next(connection int, meant int64) []byte
	// answered takes an answer with a status of 2xx into the tally.
	answered(connection int, a *answer, meant, now int64, t *tally) error
}

// fixed sends prebuilt requests in turn, the connections starting at different ones.
type fixed struct {
	requests [][]byte
	at       map[int]int // the next request of each connection
	apart    int         // what the connections begin apart
	records  int64       // of each request
	bytes    int64       // of those records; zero counts the answers' bodies
}

func newFixed(requests [][]byte, records, bytes int64) *fixed {
	return &fixed{requests: requests, at: map[int]int{}, apart: 1, records: records, bytes: bytes}
}

func (f *fixed) more(int) bool { return true }

func (f *fixed) next(connection int, _ int64) []byte {
	at, known := f.at[connection]
	if !known {
		at = connection * f.apart % len(f.requests)
	}
	f.at[connection] = (at + 1) % len(f.requests)
	return f.requests[at]
}

func (f *fixed) answered(_ int, a *answer, meant, now int64, t *tally) error {
	bytes := f.bytes
	if bytes == 0 {
		bytes = a.length
	}
	t.succeeded(f.records, bytes, now-meant)
	return nil
}
