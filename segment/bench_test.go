package segment_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"flashq/segment"
	"flashq/segment/batch"
)

func storages(b *testing.B, run func(b *testing.B, fs segment.FS)) {
	b.Run("memory", func(b *testing.B) {
		fs := segment.NewMemory(0)
		_ = fs.Mkdir(dir)
		run(b, fs)
	})
	b.Run("file", func(b *testing.B) {
		fs, err := segment.NewOS(b.TempDir())
		if err == nil {
			err = fs.Mkdir(dir)
		}
		if err != nil {
			b.Fatal(err)
		}
		run(b, fs)
	})
}

// BenchmarkAppend writes groups of 32 small batches, rolling and trimming so that it runs on warm pages.
func BenchmarkAppend(b *testing.B) {
	storages(b, func(b *testing.B, fs segment.FS) {
		l, _ := open(b, fs, 16<<20)
		group := make([]batch.Batch, 32)
		size := 0
		for i := range group {
			group[i] = encode(int64(i), 1, 4)
			size += len(group[i])
		}
		b.SetBytes(int64(size))
		b.ReportAllocs()
		for b.Loop() {
			for _, g := range group {
				g.SetBaseOffset(l.Next())
			}
			if !l.Fits(int64(size), l.Next()+4*32) {
				if err := l.Seal(false).Run(); err != nil {
					b.Fatal(err)
				}
				if err := l.Roll(); err != nil {
					b.Fatal(err)
				}
				_ = l.Trim(l.Segments() - 1).Run()
			}
			if err := l.Append(at(1), group, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkRawWrite is the ceiling of large appends to files: a megabyte a write into files of 64 MiB, of which the last
// four are kept, with nothing else; synced is each file before the next one begins, as a log's segments are.
func BenchmarkRawWrite(b *testing.B) {
	for _, synced := range []bool{false, true} {
		b.Run(map[bool]string{false: "unsynced", true: "synced"}[synced], func(b *testing.B) {
			dir, p := b.TempDir(), bytes.Repeat([]byte("x"), 1<<20)
			b.SetBytes(int64(len(p)))
			var f *os.File
			for i := 0; b.Loop(); i++ {
				if i%64 == 0 {
					f = nextFile(b, dir, f, i/64, synced)
				}
				if _, err := f.WriteAt(p, int64(i%64)<<20); err != nil {
					b.Fatal(err)
				}
			}
			_ = f.Close()
		})
	}
}

// nextFile ends a file, nil for none, and begins the n-th.
func nextFile(b *testing.B, dir string, last *os.File, n int, synced bool) *os.File {
	b.Helper()
	name := func(n int) string { return filepath.Join(dir, strconv.Itoa(n)) }
	var err error
	if last != nil && synced {
		err = last.Sync()
	}
	if last != nil {
		err = errors.Join(err, last.Close())
	}
	if n >= 4 {
		err = errors.Join(err, os.Remove(name(n-4)))
	}
	f, created := os.Create(name(n))
	if err = errors.Join(err, created); err != nil {
		b.Fatal(err)
	}
	return f
}

// filledLog is a log of 64 MiB in segments of 8.
func filledLog(b *testing.B, fs segment.FS) *segment.Log {
	b.Helper()
	l, _ := open(b, fs, 8<<20)
	for l.Bytes() < 64<<20 {
		put(b, l, l.Next(), 200)
	}
	return l
}

// BenchmarkRead reads 64 KiB at places all over a log of many segments.
func BenchmarkRead(b *testing.B) {
	storages(b, func(b *testing.B, fs segment.FS) {
		l := filledLog(b, fs)
		var buf []byte
		b.ReportAllocs()
		b.SetBytes(64 << 10)
		from := int64(0)
		for b.Loop() {
			v := l.View(l.Next())
			var err error
			if buf, err = v.Read(buf[:0], from, 64<<10); err != nil {
				b.Fatal(err)
			}
			v.Close()
			from = (from + 1_234_567) % (l.Next() - 4000)
		}
	})
}

// BenchmarkFind looks times up all over a log of many segments.
func BenchmarkFind(b *testing.B) {
	storages(b, func(b *testing.B, fs segment.FS) {
		l := filledLog(b, fs)
		b.ReportAllocs()
		at := int64(0)
		for b.Loop() {
			v := l.View(l.Next())
			if _, _, ok, err := v.Find(segment.TimeSearch{Millis: at}); err != nil || !ok {
				b.Fatal(ok, err)
			}
			v.Close()
			at = (at + 1_234_567) % l.Next()
		}
	})
}

// BenchmarkRecover opens a log whose active segment is 8 MiB.
func BenchmarkRecover(b *testing.B) {
	storages(b, func(b *testing.B, fs segment.FS) {
		l := filledLog(b, fs)
		if err := l.Close(true); err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			l, r := open(b, fs, 8<<20)
			b.SetBytes(r.Scanned)
			if err := l.Abandon(); err != nil {
				b.Fatal(err)
			}
		}
	})
}
