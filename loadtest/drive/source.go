package drive

// Source says what a loop's connections ask, and judges what they are answered. It is called by one loop alone.
type Source interface {
	// More tells whether this connection has anything to ask; at the end it has not.
	More(connection int) bool
	// Next is the request to send now, valid until the connection's next one; meant is when it was to be sent.
	Next(connection int, meant int64) []byte
	// Answered takes an answer with a status of 2xx into the tally.
	Answered(connection int, a *Answer, meant, now int64, t *Tally) error
}

// Fixed sends prebuilt requests in turn, the connections starting at different ones.
type Fixed struct {
	requests [][]byte
	at       map[int]int // the next request of each connection
	Apart    int         // what the connections begin apart
	records  int64       // of each request
	bytes    int64       // of those records; zero counts the answers' bodies
}

// NewFixed sends these requests, of so many records and bytes each.
func NewFixed(requests [][]byte, records, bytes int64) *Fixed {
	return &Fixed{requests: requests, at: map[int]int{}, Apart: 1, records: records, bytes: bytes}
}

// More implements Source.
func (f *Fixed) More(int) bool { return true }

// Next implements Source.
func (f *Fixed) Next(connection int, _ int64) []byte {
	at, known := f.at[connection]
	if !known {
		at = connection * f.Apart % len(f.requests)
	}
	f.at[connection] = (at + 1) % len(f.requests)
	return f.requests[at]
}

// Answered implements Source.
func (f *Fixed) Answered(_ int, a *Answer, meant, now int64, t *Tally) error {
	bytes := f.bytes
	if bytes == 0 {
		bytes = a.length
	}
	t.Succeeded(f.records, bytes, now-meant)
	return nil
}
