package fetch

import (
	"bytes"
	"encoding/base64"
	"strconv"

	"github.com/valyala/fasthttp"

	"flashq/http/recordjson"
	"flashq/segment/batch"
	"flashq/slab"
)

const (
	// mostRecordHead bounds in bytes what of a record goes into an answer's head, and mostRecordFields in how many lines:
	// with the other fields beside it that is less than the 100 lines that Python's client takes.
	mostRecordHead   = 64 << 10
	mostRecordFields = 80

	// RecordHeader begins the headers of an answer that carry a record's own.
	RecordHeader = "FlashQ-Header-"
)

// single is an answer whose body is the value of one record.
type single struct {
	noHeaders bool

	slab    []byte // the value
	there   bool   // there is a record
	null    bool   // its value is
	place   [3][]byte
	head    []byte // lines of the head: name, colon and value, each with a line feed
	fields  int
	omitted int // headers that the head can't hold
	keySize int // bytes of a key that the head can't hold
}

func (*single) expect(int)  {}
func (s *single) held() int { return cap(s.slab) + cap(s.head) }

func (s *single) drop() {
	slab.Put(s.slab)
	s.slab = nil
}

func (s *single) add(r *found) {
	s.there, s.null = true, r.record.Value == nil
	s.slab = append(slab.Grow(s.slab, len(r.record.Value)), r.record.Value...)
	s.place = [...][]byte{
		strconv.AppendInt(nil, int64(r.partition), 10), strconv.AppendInt(nil, r.offset, 10),
		recordjson.AppendTime(nil, r.time),
	}
	s.setKey(r.record.Key)
	if !s.noHeaders {
		s.setHeaders(r.record)
	}
}

func (s *single) setKey(key []byte) {
	fits := false
	switch {
	case key == nil:
		return
	case isFieldValue(key):
		fits = s.setField("FlashQ-Key", nil, key)
	case len(key) <= mostRecordHead:
		fits = s.setField("FlashQ-Key-Base64", nil, base64.StdEncoding.AppendEncode(nil, key))
	}
	if !fits {
		s.keySize = len(key)
	}
}

func (s *single) setHeaders(r *batch.Record) {
	for it := r.Headers(); it.Next(); {
		h := &it.Header
		if h.Value == nil || !isToken(h.Key) || !isFieldValue(h.Value) || !s.setField(RecordHeader, h.Key, h.Value) {
			s.omitted++
		}
	}
}

// setField adds a line to the head, if there is room for it.
func (s *single) setField(prefix string, name, value []byte) bool {
	const around = 4
	if s.fields == mostRecordFields || len(s.head)+len(prefix)+len(name)+len(value)+around > mostRecordHead {
		return false
	}
	s.fields++
	s.head = append(append(s.head, prefix...), name...)
	s.head = append(append(append(s.head, ':'), value...), '\n')
	return true
}

func (s *single) finish(h *fasthttp.ResponseHeader, r *result) []byte {
	r.tell(h)
	if !s.there {
		h.SetStatusCode(fasthttp.StatusNoContent)
		h.SetNoDefaultContentType(true)
		h.SetContentType("")
		return nil
	}
	for i, name := range [...]string{"FlashQ-Partition", "FlashQ-Offset", "FlashQ-Timestamp"} {
		h.SetCanonical([]byte(name), s.place[i])
	}
	s.tellRecord(h)
	body := s.slab
	s.slab = nil
	return body
}

// tellRecord puts what is known of the record, beside its value and place, into the head.
func (s *single) tellRecord(h *fasthttp.ResponseHeader) {
	h.DisableNormalizing() // names stay as they are spelled
	defer h.EnableNormalizing()
	for line := range bytes.Lines(s.head) {
		name, value, _ := bytes.Cut(line[:len(line)-1], []byte{':'})
		h.AddBytesKV(name, value)
	}
	if s.null {
		h.Add("FlashQ-Tombstone", "true")
	}
	if s.omitted > 0 {
		h.Add("FlashQ-Headers-Omitted", strconv.Itoa(s.omitted))
	}
	if s.keySize > 0 {
		h.Add("FlashQ-Key-Omitted", strconv.Itoa(s.keySize))
	}
}

// isFieldValue tells whether p comes through a head as it is: printable ASCII, with no blank at either end, where who
// reads it takes them away.
func isFieldValue(p []byte) bool {
	for _, c := range p {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return len(p) == 0 || p[0] != ' ' && p[len(p)-1] != ' '
}

// isToken tells whether p can be in a field's name (RFC 9110).
func isToken(p []byte) bool {
	for _, c := range p {
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && bytes.IndexByte([]byte("!#$%&'*+-.^_`|~"), c) < 0 {
			return false
		}
	}
	return len(p) > 0
}
