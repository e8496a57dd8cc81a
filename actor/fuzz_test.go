package actor

import (
	"maps"
	"testing"

	"flashq/segment/batch"
	"flashq/segment/segmenttest"
)

// FuzzMeta reads any record as one of the log of what exists: never a panic, no topic without a partition, and what is said
// again of a topic is what was read.
func FuzzMeta(f *testing.F) {
	f.Add([]byte("news"), []byte(`{"id":"a","partitions":3,"retention_ms":-1,"retention_bytes":-1,"segment_bytes":1024}`), true)
	f.Add([]byte("news"), []byte(`{"id":"a","deleted":true,"removed":true}`), false)
	f.Add([]byte("news"), []byte(`{"id":"a","partitions":-1}`), false)
	f.Add([]byte(""), []byte(`[]`), false)
	f.Fuzz(func(t *testing.T, key, value []byte, twice bool) {
		var b batch.Builder
		b.Add(1, key, value)
		if twice {
			b.Add(1, key, value)
		}
		c := newCatalog()
		if c.apply(b.Finish()) != nil {
			return
		}
		again := newCatalog()
		for name, m := range c.topics {
			if m.Partitions < 1 {
				t.Fatalf("%q has %d partitions", name, m.Partitions)
			}
			var b batch.Builder
			if err := encodeMeta(&b, 1, name, m); err != nil {
				t.Fatal(err)
			}
			if err := again.apply(b.Finish()); err != nil {
				t.Fatalf("%+v can't be read: %v", m, err)
			}
		}
		if !maps.Equal(c.topics, again.topics) {
			t.Fatalf("%+v became %+v", c.topics, again.topics)
		}
	})
}

// FuzzFolder reads any flashq.version and partition.metadata: never a panic, and a folder that is taken is taken again.
func FuzzFolder(f *testing.F) {
	for _, text := range []string{"1\n", "1 1\n", "9 1\n", "9 9\n", "0\n", "-1\n", "", "x", "99999999999999999999 1", "version: 0\ntopic_id: abc\n",
		"topic_id:\n", "topic_id: a\ntopic_id: b"} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		fs := segmenttest.New()
		fs.SetBytes(versionName, text)
		if err := checkVersion(fs); err == nil && checkVersion(fs) != nil {
			t.Fatalf("%q was taken once", text)
		}
		if err := fs.Mkdir("t-0"); err != nil {
			t.Fatal(err)
		}
		fs.SetBytes("t-0/"+metaName, text)
		id, err := readTopicID(fs, "t-0")
		if err != nil || len(id) > len(text) {
			t.Fatalf("%q: id %q, %v", text, id, err)
		}
		if id == "" {
			return
		}
		if err := writeTopicID(fs, "t-0", id); err != nil {
			t.Fatal(err)
		}
		if again, err := readTopicID(fs, "t-0"); err != nil || again != id {
			t.Fatalf("%q became %q: %v", id, again, err)
		}
	})
}
