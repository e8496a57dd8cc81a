package recordjson

import (
	"bytes"
	"math/bits"
	"math/rand/v2"
	"testing"
)

// Bytes that border on what the block operations look for, so that random blocks are full of them.
const edges = "\x00\x1f\x20\x21\x22\x23\x5b\x5c\x5d\x7f\x80\xa2\xdc\xffaaaaaaaaaaaa"

func fillEdges(r *rand.Rand, p []byte) {
	for i := range p {
		p[i] = edges[r.IntN(len(edges))]
	}
}

func seeded() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

func TestPlainEndAgreesWithEachByte(t *testing.T) {
	r := seeded()
	for size := range 200 {
		p := bytes.Repeat([]byte("a"), size+3)
		for at := range size {
			for _, c := range []byte(edges) {
				p[3+at] = c
				want := len(p)
				if c < ' ' || c == '"' || c == '\\' || c >= 0x80 {
					want = 3 + at
				}
				if got := plainEnd(p, 3); got != want {
					t.Fatalf("byte %#x at %d of %d: %d, want %d", c, at, size, got-3, want-3)
				}
			}
			p[3+at] = byte('a' + r.IntN(26))
		}
	}
}

func TestClassifyBlockAgreesWithWords(t *testing.T) {
	if !hasBlocks {
		return // nothing calls it then
	}
	r := seeded()
	var b [blockSize]byte
	for range 20_000 {
		fillEdges(r, b[:])
		got, want := classifyBlock(&b), classifyWords(&b)
		got.high, want.high = min(got.high, 1), min(want.high, 1)
		if got != want {
			t.Fatalf("%q:\n%+v, want\n%+v", b, got, want)
		}
	}
	var none classes
	if got := classifyBlock((*[blockSize]byte)(bytes.Repeat([]byte("a"), blockSize))); got != none {
		t.Fatalf("a block of letters: %+v", got)
	}
}

func randomMarks(r *rand.Rand, i int) uint64 {
	switch i % 4 {
	case 0:
		return r.Uint64()
	case 1:
		return r.Uint64() & r.Uint64() & r.Uint64()
	case 2:
		return ^(r.Uint64() & r.Uint64() & r.Uint64())
	}
	return []uint64{0, 1, 1 << 63, ^uint64(0)}[r.IntN(4)]
}

func TestMovesAgreeWithEachByte(t *testing.T) {
	if !hasBlocks {
		return // nothing calls it then
	}
	r := seeded()
	var (
		src [windowIn]byte
		dst [windowOut]byte
	)
	for i := range 20_000 {
		fillEdges(r, src[:])
		marks := randomMarks(r, i)
		var kept []byte
		for j, c := range src[:blockSize] {
			if marks>>j&1 == 1 {
				kept = append(kept, c)
			}
		}
		if n := keepMarked(&dst, &src, marks); !bytes.Equal(dst[:n], kept) || n != bits.OnesCount64(marks) {
			t.Fatalf("keep %064b of %q:\n%q, want\n%q", marks, src[:blockSize], dst[:n], kept)
		}
	}
}

// TestTextWithoutBlocks holds what older processors do against what this one does.
func TestTextWithoutBlocks(t *testing.T) {
	if !hasBlocks {
		return // nothing calls it then
	}
	r := seeded()
	t.Cleanup(func() { hasBlocks = true })
	for range 5000 {
		p := make([]byte, r.IntN(300))
		for i := range p {
			p[i] = "\"\\aaaaaaa{}:,\n\x01"[r.IntN(15)]
		}
		var quoted, read [2][]byte
		for i, has := range []bool{true, false} {
			hasBlocks = has
			quoted[i] = AppendString(nil, p)
			s := scanner{p: quoted[i]}
			v, err := s.text()
			if err != nil {
				t.Fatalf("%q: %v", quoted[i], err)
			}
			read[i] = s.appendText(make([]byte, 0, v.size+overshoot), &v)
		}
		if !bytes.Equal(quoted[0], quoted[1]) || !bytes.Equal(read[0], p) || !bytes.Equal(read[1], p) {
			t.Fatalf("%q is\n%q and\n%q, read as\n%q and\n%q", p, quoted[0], quoted[1], read[0], read[1])
		}
	}
}

// withoutBlocks makes this an older processor until what it gives is called.
func withoutBlocks() (undo func()) {
	hasBlocks = false
	return func() { hasBlocks = true }
}
