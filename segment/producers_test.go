package segment_test

import (
	"encoding/hex"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flashq/segment"
)

func store(t *testing.T, fs segment.FS, offset int64, all []segment.Producer, notes ...segment.KeyNote) {
	t.Helper()
	err := segment.StoreProducers(fs, dir, offset, segment.EncodeProducers(len(all), slices.Values(all)), slices.Values(notes), false)
	if err != nil {
		t.Fatal(err)
	}
}

// The file is Kafka's, byte for byte.
func TestProducersGolden(t *testing.T) {
	fs := newDisk()
	all := []segment.Producer{
		{ID: 7, Epoch: 2, LastSequence: math.MaxInt32, LastOffset: 1 << 40, OffsetDelta: 9, Timestamp: 1_700_000_000_000},
		{ID: 8, LastSequence: -1, LastOffset: -1, Timestamp: -1},
	}
	store(t, fs, 42, all)
	want := "0001" + "c52a9485" + "00000002" +
		"0000000000000007" + "0002" + "7fffffff" + "0000010000000000" + "00000009" + "0000018bcfe56800" +
		"ffffffff" + "ffffffffffffffff" +
		"0000000000000008" + "0000" + "ffffffff" + "ffffffffffffffff" + "00000000" + "ffffffffffffffff" +
		"ffffffff" + "ffffffffffffffff"
	if got := hex.EncodeToString(fs.Bytes(dir + "/00000000000000000042.snapshot")); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	got, err := segment.LoadProducers(fs, dir, 42)
	if err != nil || !cmp.Equal(got, all) {
		t.Errorf("%v: %s", err, cmp.Diff(got, all))
	}
	if len(fs.Names(".keys")) > 0 {
		t.Error("notes without any key")
	}
}

func TestKeyNotes(t *testing.T) {
	fs := newDisk()
	notes := []segment.KeyNote{
		{ID: 1 << 62, Digest: [16]byte{1, 2, 15: 3}},
		{ID: 1<<62 + 1, Runs: []segment.KeyRun{{Base: 5, Count: 2}, {Base: 1 << 40, Count: 7}}},
	}
	store(t, fs, 42, nil, notes...)
	got, err := segment.LoadKeyNotes(fs, dir, 42)
	if err != nil || !cmp.Equal(got, notes) {
		t.Errorf("%v: %s", err, cmp.Diff(got, notes))
	}
	if got, err := segment.LoadKeyNotes(fs, dir, 43); got != nil || err != nil {
		t.Errorf("where there are none: %v %v", got, err)
	}
	if err := segment.RemoveProducers(fs, dir, 42); err != nil || len(fs.Names("")) > 0 {
		t.Errorf("%v; left are %v", err, fs.Names(""))
	}
}

// Any byte that is wrong or missing is found out, in both files.
func TestDamagedProducers(t *testing.T) {
	fs := newDisk()
	store(t, fs, 42, []segment.Producer{{ID: 7, LastOffset: 3}}, segment.KeyNote{ID: 1 << 62, Digest: [16]byte{1}})
	for _, name := range fs.Names("") {
		whole := fs.Bytes(name)
		load := func() error {
			_, err1 := segment.LoadProducers(fs, dir, 42)
			_, err2 := segment.LoadKeyNotes(fs, dir, 42)
			return errors.Join(err1, err2)
		}
		for i := range whole {
			bad := slices.Clone(whole)
			bad[i] ^= 0x10
			if fs.SetBytes(name, bad); load() == nil {
				t.Errorf("%s: byte %d is wrong and nobody noticed", name, i)
			}
			if fs.SetBytes(name, append([]byte{}, whole[:i]...)); load() == nil {
				t.Errorf("%s: cut at %d and nobody noticed", name, i)
			}
		}
		fs.SetBytes(name, whole)
	}
}
