package codec

import "github.com/klauspost/compress/gzip"

// Stream packs a text that never ends piece by piece, each of which can be read at once. It keeps next to nothing
// between them. It belongs to one goroutine.
type Stream struct {
	set  *Set
	gzip *gzip.Writer // nil: zstd, of which each piece is a frame
	out  slabWriter
}

// Stream begins one: gzip, else zstd.
func (c *Set) Stream(coding string) *Stream {
	s := &Stream{set: c}
	if coding == "gzip" {
		s.gzip, _ = gzip.NewWriterLevel(&s.out, gzip.StatelessCompression) // the level is one
	}
	return s
}

// Append appends a piece to dst, a slab, and gives the slab that holds it.
func (s *Stream) Append(dst, text []byte) []byte {
	if s.gzip == nil {
		return s.set.Zstd(dst, text)
	}
	return s.write(dst, func() { _, _ = s.gzip.Write(text) }) // a slab takes everything
}

// End appends what tells a reader that the text is whole.
func (s *Stream) End(dst []byte) []byte {
	if s.gzip == nil {
		return dst
	}
	return s.write(dst, func() { _ = s.gzip.Close() })
}

func (s *Stream) write(dst []byte, do func()) []byte {
	s.out.text = dst
	do()
	dst, s.out.text = s.out.text, nil
	return dst
}
