package kafka

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kgo"

	"flashq/e2e/instance"
)

// `flashq dump` and Kafka's tool say the same of every batch of our logs, one of which has a byte spoiled.
func TestDumpAgreesOnOurLogs(t *testing.T) {
	f := fill(t, false, []string{`"segment_bytes":262144`}).clone(t, "flights", 0)
	logs := f.files(t, "flights", 0, ".log")
	spoil(t, logs[1], func(p []byte) []byte { p[len(p)/2] ^= 1; return p })
	lines := wantAgreed(t, 1, logs...)
	if n := strings.Count(strings.Join(lines, "\n"), "valid false"); n != 1 {
		t.Errorf("%d batches are damaged, 1 was spoiled", n)
	}
}

// They say the same of Kafka's own while it runs: in each compression, committed and aborted in transactions. After its end
// all files of its folder are read.
func TestDumpAgreesOnKafkasLogs(t *testing.T) {
	kafka := newNode(t)
	kafka.start(t)
	createTopic(t, kafka, "theirs", 1)
	client, ctx := kafka.client(t, kgo.TransactionalID("writer"), kgo.DefaultProduceTopic("theirs"))
	for i, end := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort} {
		if err := client.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := client.ProduceSync(ctx, kgo.StringRecord(fmt.Sprint("in transaction ", i))).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if err := client.EndTransaction(ctx, end); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []kgo.CompressionCodec{
		kgo.NoCompression(), kgo.GzipCompression(), kgo.SnappyCompression(), kgo.Lz4Compression(), kgo.ZstdCompression(),
	} {
		client, ctx := kafka.client(t, kgo.ProducerBatchCompression(c), kgo.DefaultProduceTopic("theirs"))
		record := kgo.KeyStringRecord("compressed", strings.Repeat("text ", 1000))
		if err := client.ProduceSync(ctx, record).FirstErr(); err != nil {
			t.Fatal(err)
		}
	}
	reader, ctx := kafka.client(t, kgo.ConsumerGroup("readers"), kgo.ConsumeTopics("theirs"), kgo.DisableAutoCommit())
	if err := reader.PollRecords(ctx, 1).Err(); err != nil {
		t.Fatal(err)
	}
	if err := reader.CommitUncommittedOffsets(ctx); err != nil {
		t.Fatal(err)
	}
	log := filepath.Join(kafka.partition("theirs", 0), "00000000000000000000.log")
	lines := strings.Join(wantAgreed(t, 0, log), "\n")
	for _, want := range []string{"control true", "none", "gzip", "snappy", "lz4", "zstd"} {
		if !strings.Contains(lines, want) {
			t.Errorf("no batch has %q in it:\n%s", want, lines)
		}
	}
	kafka.stop(t)
	out := dumpOurs(t, 0, "--records", filepath.Dir(filepath.Dir(log)))
	for _, want := range []string{
		`"control":"commit","coordinator_epoch":0}`, `"control":"abort"`, `"group":"readers","topic":"theirs","partition":0,"committed_offset":`,
		`"type":"producer",`, `"type":"entry",`, `"type":"epoch",`, `"kind":"time index"`,
	} {
		if !strings.Contains(out, want) {
			t.Errorf("dump says nothing of %s", want)
		}
	}
	if n := strings.Count(out, strings.Repeat("text ", 1000)); n != 5 {
		t.Errorf("%d values are as they were sent, of 5", n)
	}
}

var fullBatchLine = regexp.MustCompile(`(?m)^baseOffset: (\d+) lastOffset: (\d+) count: (\d+) baseSequence: (-?\d+) .* ` +
	`producerEpoch: (-?\d+) partitionLeaderEpoch: (-?\d+) .*isControl: (\w+) .*position: (\d+) .* size: (\d+) magic: (\d) ` +
	`compresscodec: (\w+) crc: (\d+) isvalid: (\w+)$`)

// wantAgreed compares what both say of each batch, and gives it.
func wantAgreed(t *testing.T, code int, logs ...string) (lines []string) {
	t.Helper()
	out, _, err := dump("--files", strings.Join(logs, ","))
	if err != nil {
		t.Fatal(err)
	}
	var theirs []string
	for _, m := range fullBatchLine.FindAllStringSubmatch(out, -1) {
		theirs = append(theirs, fmt.Sprintf("%s-%s count %s sequence %s epoch %s leader %s control %s at %s size %s magic %s %s crc %s valid %s",
			m[1], m[2], m[3], m[4], m[5], m[6], m[7], m[8], m[9], m[10], strings.ToLower(m[11]), m[12], m[13]))
	}
	ours := batchLines(t, dumpOurs(t, code, logs...))
	if len(theirs) == 0 || !cmp.Equal(theirs, ours) {
		t.Fatalf("Kafka says %d batches, and (- Kafka, + dump)\n%s\nof\n%.2000s", len(theirs), cmp.Diff(theirs, ours), out)
	}
	return ours
}

// batchLines are the batches in what dump said.
func batchLines(t *testing.T, out string) (lines []string) {
	t.Helper()
	for line := range strings.Lines(out) {
		b := struct {
			Type                         string
			Base                         int64 `json:"base_offset"`
			Last                         int64 `json:"last_offset"`
			Count, Position, Size, Magic int
			Sequence                     int `json:"base_sequence"`
			Epoch                        int `json:"producer_epoch"`
			Leader                       int `json:"leader_epoch"`
			Control                      bool
			Codec                        string
			CRC                          uint32
			Valid                        bool `json:"crc_valid"`
		}{Sequence: -1, Epoch: -1}
		if err := json.Unmarshal([]byte(line), &b); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		if b.Type == "batch" {
			lines = append(lines, fmt.Sprintf("%d-%d count %d sequence %d epoch %d leader %d control %v at %d size %d magic %d %s crc %d valid %v",
				b.Base, b.Last, b.Count, b.Sequence, b.Epoch, b.Leader, b.Control, b.Position, b.Size, b.Magic, b.Codec, b.CRC, b.Valid))
		}
	}
	return lines
}

// dumpOurs runs `flashq dump --json`, which must end with that code.
func dumpOurs(t *testing.T, code int, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := exec.Command(instance.Binary(), append([]string{"dump", "--json"}, args...)...)
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	_ = cmd.Run() // its exit code is looked at
	if got := cmd.ProcessState.ExitCode(); got != code {
		t.Fatalf("flashq dump: exit code %d instead of %d: %s\n%s", got, code, &stderr, damages(stdout.String()))
	}
	return stdout.String()
}

func damages(out string) string {
	return strings.Join(regexp.MustCompile(`.*"type":"damage".*`).FindAllString(out, 10), "\n")
}
