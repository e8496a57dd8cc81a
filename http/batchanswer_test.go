package http

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/klauspost/compress/snappy"

	"flashq/actor"
	"flashq/segment/batch"
)

const recordBatches = "application/vnd.kafka.recordbatch.v2"

func (f *fixture) getBatches(path string) answer {
	f.Helper()
	return f.get(path, "Accept", recordBatches)
}

// offsets tells which batches an answer holds, by their first and last offset, and checks that all are whole.
func (a answer) offsets(t *testing.T) (list string) {
	t.Helper()
	for rest := []byte(a.body); len(rest) > 0; {
		b, after, err := batch.Next(rest)
		if err != nil || b.Check() != nil {
			t.Fatalf("no batch: %v %v", err, b.Check())
		}
		list += fmt.Sprintf("%d-%d ", b.BaseOffset(), b.LastOffset())
		rest = after
	}
	return list
}

func TestBatchAnswersAreWhatIsStored(t *testing.T) {
	f := start(t, Config{})
	f.createTopic("news", `{"partitions":1}`)
	var want []byte
	for i, b := range []batch.Batch{
		packed(0, asIs, "one", "two"), packed(2, func(p []byte) []byte { return snappy.Encode(nil, p) }, "three", "four"),
		packed(4, func(p []byte) []byte { return []byte(zstded(t, string(p))) }, "five", "six"),
	} {
		f.store(bytes.Clone(b))
		b.SetBaseOffset(int64(2 * i))
		want = append(want, b...)
	}
	a := f.getBatches("/topics/news/records").want(t, 200)
	if a.body != string(want) {
		t.Errorf("got  %q\nwant %q", a.body, want)
	}
	a.tells(t, "Content-Type", recordBatches, "Flashq-Position", "0:6", "Flashq-Gap", "-", "Flashq-Error", "-")
	a = f.getBatches("/topics/news/records?from_offset=3&partition=0").want(t, 200)
	if a.body != string(want[len(packed(0, asIs, "one", "two")):]) {
		t.Errorf("%s", a.offsets(t))
	}
	f.getBatches("/topics/news/records?from_offset=latest").want(t, 200).tells(t, "Content-Length", "0", "Flashq-Position", "0:6")
	f.getBatches("/topics/news/records?from_offset=9").want(t, 200).tells(t, "Flashq-Beyond", "0:3", "Flashq-Position", "0:9")
}

// The limits count whole batches, of which the first always comes: whether they are small and copied, large and sent from
// where they stand, or large and in files.
func TestBatchAnswersKeepTheLimits(t *testing.T) {
	for name, row := range map[string]struct {
		value int
		dir   string
	}{"small": {1, ""}, "lent": {1000, ""}, "files": {1000, t.TempDir()}} {
		f := startOver(t, Config{}, actor.Config{Dir: row.dir})
		f.createTopic("news", `{"partitions":1}`)
		for range 4 {
			f.store(packed(0, asIs, slices.Repeat([]string{strings.Repeat("v", row.value)}, 10)...))
		}
		size := len(f.getBatches("/topics/news/records").want(t, 200).body) / 4
		for query, want := range map[string]string{
			"max_records=1": "0-9 0:10", "max_records=10": "0-9 0:10", "max_records=19": "0-9 0:10", "max_records=20": "0-9 10-19 0:20",
			"max_bytes=1": "0-9 0:10", fmt.Sprintf("max_bytes=%d", 2*size-1): "0-9 0:10",
			fmt.Sprintf("max_bytes=%d", 2*size):     "0-9 10-19 0:20",
			fmt.Sprintf("max_bytes=%d", 3*size+100): "0-9 10-19 20-29 0:30",
			"from_offset=35&max_records=5":          "30-39 0:40",
			"from_offset=5&max_records=15":          "0-9 10-19 0:20",
			"from_offset=5&max_records=14":          "0-9 0:10",
			"from_offset=-1":                        "30-39 0:40",
		} {
			a := f.getBatches("/topics/news/records?"+query).want(t, 200)
			if got := a.offsets(t) + a.header.Get("FlashQ-Position"); got != want {
				t.Errorf("%s, %s: %s, want %s", name, query, got, want)
			}
		}
	}
}

// Large answers are read in several steps, over segments and over batches larger than a step.
func TestLargeBatchAnswers(t *testing.T) {
	f := start(t, Config{})
	f.createTopic("news", `{"segment_bytes":1048576}`)
	big := bytes.Repeat([]byte("0123456789"), 30_000)
	for i := range 60 {
		f.store(packed(0, asIs, string(big[:(i*37_111)%len(big)]), "last"))
	}
	want, got := "", ""
	for i := range 60 {
		want += fmt.Sprintf("%d-%d ", 2*i, 2*i+1)
	}
	for position := "0:0"; position != "0:120"; {
		a := f.getBatches("/topics/news/records?max_bytes=3000000&position="+position).want(t, 200)
		got += a.offsets(t)
		if next := a.header.Get("FlashQ-Position"); next != "0:120" && len(a.body) < 2_650_000 || len(a.body) > 3_000_000 {
			t.Errorf("%d bytes from %s to %s", len(a.body), position, next)
		}
		position = a.header.Get("FlashQ-Position")
	}
	if got != want {
		t.Errorf("%s", got)
	}
	eventually(t, "nothing of answers is held", func() bool { return f.s.bounds.answers.Used() == 0 })
}

// The position never passes the end that to_time sets, even within a batch.
func TestBatchAnswersEndAtATime(t *testing.T) {
	f := start(t, Config{})
	f.produce("/topics/news/records", `{"value":"a","timestamp":1000}`, `{"value":"b","timestamp":2000}`)
	f.produce("/topics/news/records", `{"value":"c","timestamp":3000}`)
	for to, want := range map[string]string{
		"1970-01-01T00:00:01.000Z": "0:0", "1970-01-01T00:00:02.000Z": "0-1 0:1", "1970-01-01T00:00:03.000Z": "0-1 0:2",
		"1970-01-01T00:00:09.000Z": "0-1 2-2 0:3",
	} {
		a := f.getBatches("/topics/news/records?to_time="+to).want(t, 200)
		if got := a.offsets(t) + a.header.Get("FlashQ-Position"); got != want {
			t.Errorf("%s: %s, want %s", to, got, want)
		}
	}
}

func TestBatchAnswersLeaveControlBatchesOut(t *testing.T) {
	f := start(t, Config{})
	control := func(p []byte) { p[22] |= 0x30 }
	f.numbered("news", 0, 0, 1)
	f.store(reseal(packed(0, asIs, "commit"), control))
	f.numbered("news", 0, 2, 3)
	f.store(reseal(packed(0, asIs, "commit"), control))
	a := f.getBatches("/topics/news/records").want(t, 200)
	if got := a.offsets(t) + a.header.Get("FlashQ-Position"); got != "0-0 2-2 0:4" {
		t.Error(got)
	}
	f.getBatches("/topics/news/records?from_offset=3").want(t, 200).tells(t, "Flashq-Position", "0:4", "Content-Length", "0")
}

func TestBatchAnswersTellOfDamageAndGaps(t *testing.T) {
	f := damaged(t)
	a := f.getBatches("/topics/news/records?partition=0").want(t, 200)
	if got := a.offsets(t) + a.header.Get("FlashQ-Position"); got != "0-0 1-1 2-2 0:3" {
		t.Error(got)
	}
	a.tells(t, "Flashq-Error", `[{"error":"corrupt_data","partition":0,"first_offset":3,"next_good_offset":4}]`)
	f.getBatches("/topics/news/records?partition=0&from_offset=3").wantError(t, 500, "corrupt_data")
	if got := f.getBatches("/topics/news/records?partition=0&from_offset=4").want(t, 200).offsets(t); got != "4-4 5-5 " {
		t.Error(got)
	}
}

func TestBatchAnswersAreOfOnePartition(t *testing.T) {
	f := start(t, Config{})
	f.createTopic("news", `{"partitions":2}`)
	f.createTopic("one", `{"partitions":1}`)
	for query, parameter := range map[string]string{
		"": "partition", "partition=0,1": "partition", "position=0:0": "partition", "group=g&member=m": "partition",
		"partition=0&encoding=json": "encoding", "partition=0&include_headers=false": "include_headers",
	} {
		details := f.getBatches("/topics/news/records?"+query).wantError(t, 400, "invalid_parameter")
		if details["parameter"] != parameter {
			t.Error(query, details)
		}
	}
	f.get("/groups/g").wantError(t, 404, "group_not_found") // a refused fetch has joined nothing
	f.getBatches("/topics/news/records?partition=1&include_headers=true").want(t, 200)
	f.getBatches("/topics/news/records?partition=2").wantError(t, 404, "partition_not_found")
	f.getBatches("/topics/one/records").want(t, 200).tells(t, "Flashq-Position", "0:0")
}

func TestBatchAnswersWorkForMembersAndWait(t *testing.T) {
	f := start(t, Config{})
	f.produce("/topics/news/records", `{"value":"a"}`)
	a := f.getBatches("/topics/news/records?group=g&member=m").want(t, 200)
	a.tells(t, "Flashq-Position", "g1;0:1")
	got := make(chan answer)
	go func() { got <- f.getBatches("/topics/news/records?group=g&member=m&ack=g1;0:1&timeout_ms=60000") }()
	eventually(t, "the fetch waits", func() bool { return f.s.bounds.waiters.Used() == 1 })
	f.produce("/topics/news/records", `{"value":"b"}`)
	if a := <-got; a.want(t, 200).offsets(t) != "1-1 " {
		t.Error(a.offsets(t))
	}
	f.getBatches("/topics/news/records?group=g&member=n").want(t, 200).tells(t, "Flashq-Position", "g2;", "Content-Length", "0")
}

// What is compressed already is not compressed again.
func TestBatchAnswersAreCompressedOnce(t *testing.T) {
	f := start(t, Config{})
	text := string(bytes.Repeat([]byte("flash queue "), 400))
	f.store(packed(0, asIs, text))
	a := f.get("/topics/news/records", "Accept", recordBatches, "Accept-Encoding", "gzip").want(t, 200)
	a.tells(t, "Content-Encoding", "gzip")
	snappied := packed(2, func(p []byte) []byte { return snappy.Encode(nil, bytes.Repeat(p, 100)) }, text)
	f.store(snappied)
	a = f.get("/topics/news/records?from_offset=1", "Accept", recordBatches, "Accept-Encoding", "gzip").want(t, 200)
	a.tells(t, "Content-Encoding", "-")
}

// An answer holds memory for what it may take: not for a batch that does not fit any more, nor for all that is there.
func TestABatchAnswerHoldsNoMoreThanItMay(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f, s, p := piped(t, Config{})
		r := rand.NewChaCha8([32]byte{})
		for range 80 {
			value := make([]byte, 8<<10)
			_, _ = r.Read(value)
			f.store(packed(2, func(p []byte) []byte { return snappy.Encode(nil, p) }, hex.EncodeToString(value)))
		}
		for query, most := range map[string]int64{"max_bytes=1048576": 1 << 20, "max_bytes=16777216&max_records=30": 512 << 10} {
			for _, coding := range []string{"identity", "gzip"} { // sent from where they stand, and from a slab
				c := p.send(t, "127.0.0.1", "GET /topics/news/records?"+query+" HTTP/1.1\r\nHost: flashq\r\nAccept: "+
					recordBatches+"\r\nAccept-Encoding: "+coding+"\r\n\r\n")
				synctest.Wait()
				if held := s.bounds.answers.Used(); held > most || held < most/2 {
					t.Errorf("%s, %s: %d bytes are held", query, coding, held)
				}
				leave(c)
				synctest.Wait()
				if held := s.bounds.answers.Used(); held != 0 {
					t.Errorf("%s, %s: %d bytes are held for nobody", query, coding, held)
				}
			}
		}
	})
}

// What is on its way to a slow client stays what it was, though its records are let go of and their memory is used again.
func TestABatchAnswerOutlastsItsRecords(t *testing.T) {
	inBubble(t, func(t *testing.T) {
		f, s, p := piped(t, Config{})
		f.createTopic("news", `{"partitions":1,"segment_bytes":100000,"retention_bytes":100000}`)
		fill := func(value string) {
			for range 20 {
				f.store(packed(0, asIs, strings.Repeat(value, 16<<10)))
			}
			synctest.Wait()
		}
		fill("a")
		from := f.fetch("/topics/news/records?max_records=1").Records[0].Offset
		c := p.send(t, "127.0.0.1", fmt.Sprintf("GET /topics/news/records?from_offset=%d HTTP/1.1\r\nHost: flashq\r\nAccept: %s\r\n\r\n",
			from, recordBatches))
		synctest.Wait()
		for _, value := range "bcdefgh" {
			fill(string(value))
		}
		if s.bounds.answers.Used() == 0 {
			t.Error("nothing is on its way")
		}
		a := readAnswer(t, bufio.NewReader(c)).want(t, 200)
		offsets := a.offsets(t)
		if len(a.body) < 100_000 || strings.Contains(a.body, "bbbb") {
			t.Errorf("%d bytes came: %s", len(a.body), offsets)
		}
		leave(c)
		synctest.Wait()
		if held := s.bounds.answers.Used(); held != 0 {
			t.Errorf("%d bytes are held for nobody", held)
		}
	})
}
