package segment_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"path"
	"testing"

	"pgregory.net/rapid"

	"flashq/segment"
)

// TestMemoryFileIsAFile writes, adopts, cuts and reads in any order against a byte slice.
func TestMemoryFileIsAFile(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		fs := segment.NewMemory(0)
		f, err := fs.Create("f")
		if err != nil {
			t.Fatal(err)
		}
		var want []byte
		next := byte(0)
		fresh := func(n int) []byte {
			next++
			return bytes.Repeat([]byte{next}, n)
		}
		t.Repeat(map[string]func(*rapid.T){
			"append": func(t *rapid.T) {
				p := fresh(rapid.IntRange(1, 9000).Draw(t, "bytes"))
				if n, err := f.WriteAt(p, int64(len(want))); err != nil || n != len(p) {
					t.Fatal(n, err)
				}
				want = append(want, p...)
			},
			"adopt": func(t *rapid.T) {
				p := fresh(rapid.IntRange(1, 9000).Draw(t, "bytes"))
				want = append(want, p...)
				if err := f.(segment.Adopter).AdoptAt(p, int64(len(want)-len(p))); err != nil {
					t.Fatal(err)
				}
			},
			"cut": func(t *rapid.T) {
				n := rapid.IntRange(0, len(want)).Draw(t, "size")
				want = want[:n:n]
				if err := f.Truncate(int64(n)); err != nil {
					t.Fatal(err)
				}
			},
			"overwrite": func(t *rapid.T) {
				if len(want) == 0 {
					return
				}
				at := rapid.IntRange(0, len(want)-1).Draw(t, "at")
				p := fresh(rapid.IntRange(1, 9000).Draw(t, "bytes"))
				if n, err := f.WriteAt(p, int64(at)); err != nil || n != len(p) {
					t.Fatal(n, err)
				}
				want = append(want[:at:at], append(p, want[min(at+len(p), len(want)):]...)...)
			},
			"": func(t *rapid.T) {
				got := make([]byte, len(want)+1)
				n, err := f.ReadAt(got, 0)
				if !errors.Is(err, io.EOF) || !bytes.Equal(got[:n], want) {
					t.Fatalf("%d bytes %v, want %d", n, err, len(want))
				}
				if from := len(want) / 3; len(want) > 0 {
					part := make([]byte, len(want)/2)
					if _, err := f.ReadAt(part, int64(from)); err != nil || !bytes.Equal(part, want[from:from+len(part)]) {
						t.Fatalf("from %d: %v", from, err)
					}
					n, err := f.ReadAt(got, int64(from))
					if !errors.Is(err, io.EOF) || !bytes.Equal(got[:n], want[from:]) {
						t.Fatalf("from %d to the end: %d bytes, %v", from, n, err)
					}
				}
			},
		})
	})
}

// A read over a file's end gives what is there, on a disk, too.
func TestAReadOverTheEnd(t *testing.T) {
	disk, err := segment.NewOS(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for name, fs := range map[string]segment.FS{"disk": disk, "memory": segment.NewMemory(0)} {
		f, err := fs.Create("f")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt([]byte("0123456789"), 0); err != nil {
			t.Fatal(err)
		}
		p := []byte("????????")
		if n, err := f.ReadAt(p, 5); n != 5 || !errors.Is(err, io.EOF) || string(p[:n]) != "56789" {
			t.Errorf("%s: %q, %v", name, p[:n], err)
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestMemoryCountsWhatItHolds: an adopted slab counts with its whole capacity, and a removed file with readers still.
func TestMemoryCountsWhatItHolds(t *testing.T) {
	fs := segment.NewMemory(1 << 20)
	f, err := fs.Create("f")
	if err != nil {
		t.Fatal(err)
	}
	roomy := make([]byte, 100_000, 900_000)
	if err := f.(segment.Adopter).AdoptAt(roomy, 0); err != nil {
		t.Fatal(err)
	}
	if fs.Used() != 900_000 {
		t.Errorf("%d bytes are used", fs.Used())
	}
	if err := f.(segment.Adopter).AdoptAt(make([]byte, 200_000), 100_000); !errors.Is(err, segment.ErrMemoryFull) {
		t.Errorf("over the limit: %v", err)
	}
	if _, err := f.WriteAt(make([]byte, 200_000), 100_000); !segment.IsNoSpace(err) {
		t.Errorf("over the limit: %v", err)
	}
	if err := fs.Remove("f"); err != nil {
		t.Fatal(err)
	}
	if fs.Used() != 900_000 {
		t.Errorf("%d bytes are used while a reader holds the file", fs.Used())
	}
	if err := errors.Join(f.Close(), f.Close()); err != nil || fs.Used() != 0 {
		t.Errorf("%d bytes are used after the last reader left: %v", fs.Used(), err)
	}
}

// Memory becomes free again when segments are sealed and go, so sealing must be possible when there is none left.
func TestMemoryThatIsFullOfRecordsCanSeal(t *testing.T) {
	fs := segment.NewMemory(1 << 20)
	if err := fs.Mkdir(dir); err != nil {
		t.Fatal(err)
	}
	l, _ := open(t, fs, 1<<30)
	var err error
	for err == nil {
		err = tryPut(l, 0, 5)
	}
	if !errors.Is(err, segment.ErrMemoryFull) {
		t.Fatal(err)
	}
	if err := l.Seal(true).Run(); err != nil {
		t.Fatalf("%d of %d bytes are used: %v", fs.Used(), fs.Limit(), err)
	}
	if fs.Used() > fs.Limit() {
		t.Errorf("%d bytes are used", fs.Used())
	}
}

// A folder goes with all that is in it and nothing else.
func TestMemoryRemovesAFolder(t *testing.T) {
	m := segment.NewMemory(0)
	for _, name := range []string{"t-1/a", "t-1/deep/er/a", "t-10/a", "t-11/a", "u-1/a"} {
		if err := m.Mkdir(path.Dir(name)); err != nil {
			t.Fatal(err)
		}
		f, err := m.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteAt(make([]byte, 10), 0); err != nil {
			t.Fatal(err)
		}
		f.Close()
	}
	if err := m.Rename("t-11", "gone"); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		remove, left string
		used         int64
	}{{"none", "[gone t-1 t-10 u-1]", 50}, {"gone", "[t-1 t-10 u-1]", 40}, {"t-1", "[t-10 u-1]", 20}, {"t-1", "[t-10 u-1]", 20}, {"u-1/", "[t-10]", 10}} {
		if err := m.RemoveAll(step.remove); err != nil {
			t.Fatal(err)
		}
		if got, err := m.ReadDir(""); err != nil || fmt.Sprint(got) != step.left || m.Used() != step.used {
			t.Errorf("without %s there is %v with %d bytes, %v", step.remove, got, m.Used(), err)
		}
	}
	for _, gone := range []string{"t-1", "t-1/deep", "t-1/deep/er", "t-1/deep/er/a", "u-1"} {
		if _, err := m.Stat(gone); !errors.Is(err, segment.ErrNotExist) {
			t.Errorf("%s is there still: %v", gone, err)
		}
	}
}

// BenchmarkMemoryRemoveAll is the price of one folder among many.
func BenchmarkMemoryRemoveAll(b *testing.B) {
	for _, n := range []int{1, 100_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			m := segment.NewMemory(0)
			for i := range n {
				_ = m.Mkdir(fmt.Sprint("t-", i))
			}
			for b.Loop() {
				_ = m.Mkdir("u-0")
				_ = m.RemoveAll("u-0")
			}
		})
	}
}
