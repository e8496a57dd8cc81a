// Package codec owns gzip, zstd, snappy and lz4: bodies and answers in the codings of HTTP, and the records of batches
// in Kafka's. Everything that is decompressed has a bound, and what it is decompressed into are slabs.
package codec

import (
	"errors"
	"io"
	"runtime"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"

	"flashq/slab"
)

var (
	// ErrTooLarge is returned for what decompresses to more than its limit.
	ErrTooLarge = errors.New("larger than the limit")
	// ErrWindow is returned for zstd that needs more memory to be decompressed than Window.
	ErrWindow = errors.New("zstd window too large")
	// ErrDamaged is returned for data that is not of its codec. It hides the codec's own words, which help no client.
	ErrDamaged = errors.New("compressed data is damaged")
)

// Set holds what compresses and decompresses. Each kind is a bounded set whose members are made on first use:
// borrowing waits for one, which bounds memory, and the wait is for processor time only, never for a peer.
type Set struct {
	gunzips chan *gzip.Reader
	unzstds chan *zstd.Decoder
	unlz4s  chan *lz4.Reader
	gzips   chan *gzip.Writer
	zstds   chan *zstd.Encoder
	window  uint64 // the largest zstd window that is decoded, and so what one decoder may hold
}

// New makes a set for bodies of up to maxBody bytes.
func New(maxBody int) *Set {
	n := runtime.GOMAXPROCS(0)
	return &Set{
		gunzips: empty[*gzip.Reader](n), unzstds: empty[*zstd.Decoder](n), unlz4s: empty[*lz4.Reader](n),
		gzips: empty[*gzip.Writer](n), zstds: empty[*zstd.Encoder](n),
		window: uint64(max(maxBody, 8<<20)), // every zstd level up to 19 stays within 8 MiB
	}
}

// Window is the largest zstd window that is decoded.
func (c *Set) Window() int { return int(c.window) }

func empty[T any](n int) chan T {
	var none T
	c := make(chan T, n)
	for range n {
		c <- none
	}
	return c
}

// Gunzip appends src decompressed to dst, a slab, and gives the slab that holds it: ErrTooLarge beyond limit bytes.
func (c *Set) Gunzip(dst []byte, src io.Reader, limit int) ([]byte, error) {
	r := <-c.gunzips
	defer func() { c.gunzips <- r }()
	if r == nil {
		r = new(gzip.Reader)
	}
	if err := r.Reset(src); err != nil {
		return dst, ErrDamaged
	}
	return readBounded(dst, r, limit)
}

// Unzstd does the same for zstd.
func (c *Set) Unzstd(dst []byte, src io.Reader, limit int) ([]byte, error) {
	r := <-c.unzstds
	defer func() { c.unzstds <- r }()
	var err error
	if r == nil {
		r, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1),
			zstd.WithDecoderMaxMemory(c.window), zstd.WithDecoderMaxWindow(c.window),
			zstd.WithDecodeBuffersBelow(0))
		if err != nil {
			panic("codec: zstd decoder: " + err.Error()) // fixed options: a broken invariant
		}
	}
	if err := r.Reset(src); err != nil {
		return dst, ErrDamaged
	}
	dst, err = readBounded(dst, r, limit)
	_ = r.Reset(nil) // lets go of src
	return dst, err
}

// unlz4 does the same for lz4, which only Kafka's batches use.
func (c *Set) unlz4(dst []byte, src io.Reader, limit int) ([]byte, error) {
	r := <-c.unlz4s
	defer func() { c.unlz4s <- r }()
	if r == nil {
		r = lz4.NewReader(nil)
	}
	r.Reset(src)
	dst, err := readBounded(dst, r, limit)
	r.Reset(nil) // lets go of src
	return dst, err
}

// readBounded appends all that r has, growing dst as it comes.
func readBounded(dst []byte, r io.Reader, limit int) ([]byte, error) {
	for {
		if len(dst) == cap(dst) {
			dst = slab.Grow(dst, 1)
		}
		n, err := r.Read(dst[len(dst):min(cap(dst), limit+1)])
		dst = dst[:len(dst)+n]
		switch {
		case len(dst) > limit || errors.Is(err, zstd.ErrDecoderSizeExceeded):
			return dst, ErrTooLarge
		case errors.Is(err, zstd.ErrWindowSizeExceeded):
			return dst, ErrWindow
		case err == io.EOF:
			return dst, nil
		case err != nil:
			return dst, ErrDamaged
		}
	}
}

// Gzip appends src compressed to dst, a slab.
func (c *Set) Gzip(dst, src []byte) []byte {
	w := <-c.gzips
	defer func() { c.gzips <- w }()
	if w == nil {
		w, _ = gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level is a valid one
	}
	out := slabWriter{dst}
	w.Reset(&out)
	_, _ = w.Write(src) // a slabWriter takes everything
	_ = w.Close()
	return out.text
}

// Zstd does the same for zstd.
func (c *Set) Zstd(dst, src []byte) []byte {
	w := <-c.zstds
	defer func() { c.zstds <- w }()
	if w == nil {
		var err error
		w, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest),
			zstd.WithWindowSize(1<<20), zstd.WithLowerEncoderMem(true))
		if err != nil {
			panic("codec: zstd encoder: " + err.Error()) // fixed options: a broken invariant
		}
	}
	return w.EncodeAll(src, dst)
}

// slabWriter collects what is written in a slab.
type slabWriter struct{ text []byte }

func (w *slabWriter) Write(p []byte) (int, error) {
	w.text = append(slab.Grow(w.text, len(p)), p...)
	return len(p), nil
}
