package kafka

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"flashq/e2e/instance"
)

// numbered is a batch of some records as a producer of Kafka's sends it.
func numbered(id int64, epoch int16, sequence int32, records int, at time.Time) []byte {
	b := kmsg.RecordBatch{
		PartitionLeaderEpoch: -1, Magic: 2, LastOffsetDelta: int32(records) - 1, FirstTimestamp: at.UnixMilli(),
		MaxTimestamp: at.UnixMilli(), ProducerID: id, ProducerEpoch: epoch, FirstSequence: sequence, NumRecords: int32(records),
	}
	for i := range records {
		r := kmsg.Record{OffsetDelta: int32(i), Value: bytes.Repeat([]byte("x"), 100)}
		r.Length = int32(len(r.AppendTo(nil)) - 1)
		b.Records = r.AppendTo(b.Records)
	}
	const head, beforeLength, beforeCRC = 61, 12, 21
	b.Length = int32(head - beforeLength + len(b.Records))
	p := b.AppendTo(nil)
	binary.BigEndian.PutUint32(p[beforeCRC-4:], crc32.Checksum(p[beforeCRC:], crc32.MakeTable(crc32.Castagnoli)))
	return p
}

// What we know of producers is Kafka's to read: its tool prints our snapshot, its broker takes it over, also where the
// records are gone, and writes the same bytes when it stops.
func TestKafkaTakesOurProducersOver(t *testing.T) {
	ours := folder{dir: t.TempDir(), topics: map[string]map[int][]instance.Record{}}
	broker := instance.Start(t, "--storage=file", "--data-dir="+ours.dir)
	broker.CreateTopic(t, "numbered", 1, `"segment_bytes":4096`)
	now := time.Now()
	for i := range 20 {
		broker.Must(t, 200, "POST", "/topics/numbered/records?partition=0", "application/vnd.kafka.recordbatch.v2",
			numbered(7, 2, int32(3*i), 3, now), nil)
	}
	for range 60 {
		broker.Produce(t, "numbered", "application/json", fmt.Appendf(nil, `{"records":[{"value":%q}]}`, strings.Repeat("y", 200)))
	}
	broker.Must(t, 200, "PUT", "/topics/numbered", "application/json", []byte(`{"retention_bytes":1}`), nil)
	ours.topics["numbered"], _ = broker.ReadFrom(t, "numbered", "")
	first := ours.topics["numbered"][0][0].Offset
	if first < 60 {
		t.Fatalf("the producer's records are still there: the first is %d", first)
	}
	broker.Stop(t)
	snapshots := ours.files(t, "numbered", 0, ".snapshot")
	last := snapshots[len(snapshots)-1]
	if filepath.Base(last) != "00000000000000000120.snapshot" {
		t.Fatalf("snapshots: %v", snapshots)
	}
	wantDumpedProducer(t, last, now)

	kafka := newNode(t)
	adoptAll(t, ours, kafka)
	wantProducer(t, kafka)
	kafka.stop(t)
	mine, err := os.ReadFile(last)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := os.ReadFile(filepath.Join(kafka.partition("numbered", 0), filepath.Base(last)))
	if err != nil || !bytes.Equal(mine, theirs) {
		t.Errorf("Kafka writes %x, we do %x: %v", theirs, mine, err)
	}
}

func wantDumpedProducer(t *testing.T, snapshot string, at time.Time) {
	t.Helper()
	out, said, err := dump("--files", snapshot)
	if err != nil || said != "" {
		t.Fatalf("%v: %s", err, said)
	}
	want := regexp.MustCompile(fmt.Sprintf(`producerId: 7 producerEpoch: 2 coordinatorEpoch: -1 currentTxnFirstOffset: OptionalLong.empty `+
		`lastTimestamp: %d firstSequence: 57 lastSequence: 59 lastOffset: 59 offsetDelta: 2 timestamp: %d`, at.UnixMilli(), at.UnixMilli()))
	if !want.MatchString(out) {
		t.Errorf("Kafka's tool prints %q of our snapshot", out)
	}
}

// wantProducer asks Kafka which producers it knows.
func wantProducer(t *testing.T, kafka *node) {
	t.Helper()
	client, ctx := kafka.client(t, kgo.DisableClientMetrics())
	topic := kmsg.NewDescribeProducersRequestTopic()
	topic.Topic, topic.Partitions = "numbered", []int32{0}
	request := kmsg.NewPtrDescribeProducersRequest()
	request.Topics = append(request.Topics, topic)
	answer, err := request.RequestWith(ctx, client)
	if err != nil {
		t.Fatal(err)
	}
	known := answer.Topics[0].Partitions[0].ActiveProducers
	if len(known) != 1 || known[0].ProducerID != 7 || known[0].ProducerEpoch != 2 || known[0].LastSequence != 59 {
		t.Errorf("Kafka knows %+v", known)
	}
}
