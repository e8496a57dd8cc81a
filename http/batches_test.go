package http

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"

	"flashq/segment/batch"
)

// batchOf is a batch of so many records: value and index.
func batchOf(value string, records int) []byte {
	var b batch.Builder
	b.Reset(nil)
	for i := range records {
		b.Add(1_768_471_200_000+int64(i), nil, []byte(value+fmt.Sprint(i)))
	}
	return b.Finish()
}

// compressed is the batch with its records as another codec has them.
func compressed(b []byte, codec byte, pack func(p []byte) []byte) []byte {
	return reseal(append(bytes.Clone(b[:batch.HeaderSize]), pack(b[batch.HeaderSize:])...), func(p []byte) { p[22] |= codec })
}

func snappied(p []byte) []byte { return snappy.Encode(nil, p) }

// postBatches posts batches.
func (f *fixture) postBatches(query string, body []byte, headers ...string) answer {
	f.Helper()
	return f.do("POST", "/topics/news/records"+query, string(body),
		append([]string{"Content-Type", "application/vnd.kafka.recordbatch.v2"}, headers...)...)
}

func TestBatchesAreAnsweredAsJSONIs(t *testing.T) {
	f := start(t, Config{DefaultPartitions: 3})
	f.produce("/topics/news/records?partition=2", `{"value":"before"}`)
	body := slices.Concat(batchOf("a", 2), compressed(batchOf("b", 1), 2, snappied), batchOf("c", 2))
	f.postBatches("?partition=2&return=offsets", body).
		wantBody(t, `{"offset":5,"timestamp":"2026-01-15T10:00:00.001Z","count":5,`+
			`"partitions":[{"partition":2,"base_offset":1,"last_offset":5}],"offsets":[{"partition":2,"offset":1},`+
			`{"partition":2,"offset":2},{"partition":2,"offset":3},{"partition":2,"offset":4},{"partition":2,"offset":5}]}`)
	f.postBatches("?partition=2&sync=true", batchOf("d", 1)).want(t, 200)
	if got := f.fetch("/topics/news/records?partition=2").values(); got != "before a0 a1 b0 c0 c1 d0" {
		t.Error(got)
	}
}

func TestBatchesNeedAPartition(t *testing.T) {
	f := start(t, Config{})
	f.postBatches("", batchOf("a", 1)).says(t, 400, "invalid_parameter", "'partition' is missing", "in one partition")
	f.postBatches("?partition=1", batchOf("a", 1)).wantError(t, 404, "partition_not_found")
	f.postBatches("?partition=0&key=k", batchOf("a", 1)).wantError(t, 400, "invalid_parameter")
	f.get("/topics/news").wantError(t, 404, "topic_not_found")
}

// One bad batch, and nothing of the body is stored.
func TestACorruptBatchStoresNothing(t *testing.T) {
	f := start(t, Config{})
	bad := batchOf("b", 3)
	bad[len(bad)-2] ^= 1
	d := f.postBatches("?partition=0", slices.Concat(batchOf("a", 2), bad)).wantError(t, 422, "corrupt_batch")
	if d["index"] != 1.0 {
		t.Error(d)
	}
	control := reseal(batchOf("c", 1), func(p []byte) { p[22] |= 0x20 })
	f.postBatches("?partition=0", control).says(t, 422, "not_supported", "batch 0", "control")
	f.get("/topics/news").wantError(t, 404, "topic_not_found")
	eventually(t, "nothing is held any more", func() bool { return f.s.bounds.inflight.Used() == 0 })
}

func TestBatchesInACompressedBody(t *testing.T) {
	f := start(t, Config{})
	f.postBatches("?partition=0", []byte(gzipped(t, string(batchOf("a", 2)))), "Content-Encoding", "gzip").want(t, 200)
	f.postBatches("?partition=0", []byte(zstded(t, string(batchOf("b", 2)))), "Content-Encoding", "zstd").want(t, 200)
	if got := f.fetch("/topics/news/records").values(); got != "a0 a1 b0 b1" {
		t.Error(got)
	}
}

// What decompresses to more than a body may have is refused by the name of its codec, also where no single batch does.
func TestBatchesThatGrow(t *testing.T) {
	const most = 100_000
	f := start(t, Config{MaxBodyBytes: most, MaxInflightBytes: 4 << 20})
	gzips := func(p []byte) []byte {
		var out bytes.Buffer
		w := gzip.NewWriter(&out)
		_, _ = w.Write(p)
		_ = w.Close()
		return out.Bytes()
	}
	half, whole := batchOf(strings.Repeat("v", most/2), 1), batchOf(strings.Repeat("v", 10*most), 1)
	for name, row := range map[string]struct {
		codec byte
		pack  func(p []byte) []byte
	}{
		"gzip": {1, gzips}, "snappy": {2, snappied}, "lz4": {3, func(p []byte) []byte { return lz4ed(t, p) }},
		"zstd": {4, func(p []byte) []byte { return []byte(zstded(t, string(p))) }},
	} {
		packed := compressed(half, row.codec, row.pack)
		f.postBatches("?partition=0", packed).want(t, 200)
		says := fmt.Sprintf("the %s records of the body decompress to more than 100000 bytes", name)
		f.postBatches("?partition=0", slices.Concat(packed, packed)).says(t, 413, "body_too_large", "batch 1: "+says)
		f.postBatches("?partition=0", compressed(whole, row.codec, row.pack)).says(t, 413, "body_too_large", "batch 0: "+says)
	}
	if got := *f.fetch("/topics/news/records?max_records=1").HighWaterMark; got != 4 {
		t.Errorf("%d records are stored", got)
	}
	wide := compressed(whole, 4, func(p []byte) []byte {
		var out bytes.Buffer
		w, err := zstd.NewWriter(&out, zstd.WithWindowSize(32<<20))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = w.Write(bytes.Repeat(p, 20))
		_ = w.Close()
		return out.Bytes()
	})
	f.postBatches("?partition=0", wide).says(t, 413, "body_too_large", "batch 0: its zstd window is larger than 8388608 bytes")
	eventually(t, "nothing is held any more", func() bool { return f.s.bounds.inflight.Used() == 0 })
}

// What memory storage adopts instead of copying it is nobody else's any more.
func TestAdoptedBatchesStayWhole(t *testing.T) {
	f := start(t, Config{})
	const size = 120_000
	for i := range 20 {
		f.postBatches("?partition=0", batchOf(strings.Repeat(fmt.Sprint(i%10), size), 1)).want(t, 200)
		several := slices.Concat(batchOf("small", 1), batchOf(strings.Repeat(fmt.Sprint((i+5)%10), size), 1))
		f.postBatches("?partition=0", several).want(t, 200)
	}
	for i, r := range f.fetch("/topics/news/records?max_bytes=16777216").Records {
		want := "small0"
		if i%3 != 1 {
			want = strings.Repeat(fmt.Sprint((i/3+i%3/2*5)%10), size) + "0"
		}
		if *r.Value != want {
			t.Errorf("record %d is another", i)
		}
	}
}

// Limits are those of all records; --max-batch-records bounds JSON alone.
func TestLimitsOfRecordsInBatches(t *testing.T) {
	f := start(t, Config{MaxValueBytes: 3, MaxBatchRecords: 2})
	f.postBatches("?partition=0", batchOf("ab", 5)).want(t, 200)
	d := f.postBatches("?partition=0", slices.Concat(batchOf("a", 3), batchOf("abc", 1))).wantError(t, 400, "validation_error")
	if d["field"] != "value" || d["index"] != 3.0 || d["max_size"] != 3.0 || d["actual_size"] != 4.0 {
		t.Error(d)
	}
}

// A body may hold batches of several producers and of nobody: each is judged for itself, and the answer tells where each
// one is, in ranges that hold nobody else's records.
func TestBatchesOfSeveralProducers(t *testing.T) {
	f := start(t, Config{DefaultPartitions: 1})
	of := func(id int64, sequence int32) []byte {
		b := batch.Batch(batchOf("p", 1))
		b.SetProducer(id, 0, sequence)
		return b
	}
	plain := batchOf("n", 2)
	ranges := func(body []byte) string {
		_, list, _ := strings.Cut(f.postBatches("?partition=0", body).want(t, 200).body, `"partitions":`)
		return strings.NewReplacer(`"partition":0,"base_offset":`, "", `,"last_offset":`, "-").Replace(strings.TrimSuffix(strings.TrimSpace(list), "}"))
	}
	for _, row := range []struct {
		what string
		body []byte
		want string
	}{
		{"plain and numbered", slices.Concat(plain, of(7, 0)), "[{0-2}]"},
		{"the numbered one alone", of(7, 0), "[{2-2}]"},
		{"the whole again", slices.Concat(plain, of(7, 0)), "[{3-4},{2-2}]"},
		{"the other way round", slices.Concat(of(7, 0), plain, of(8, 5)), "[{2-2},{5-7}]"},
		{"the next", of(7, 1), "[{8-8}]"},
	} {
		if got := ranges(row.body); got != row.want {
			t.Errorf("%s: %s, want %s", row.what, got, row.want)
		}
	}
	f.postBatches("?partition=0", slices.Concat(plain, of(7, 3))).wantError(t, 409, "out_of_order_sequence")
	six := slices.Concat(of(9, 0), of(9, 1), of(9, 2), of(9, 3), of(9, 4), of(9, 5))
	f.postBatches("?partition=0", six).says(t, 422, "not_supported", "more than 5 batches of producer id 9")
	if got := *f.fetch("/topics/news/records?max_records=1").HighWaterMark; got != 9 {
		t.Errorf("%d records are stored", got)
	}
}
