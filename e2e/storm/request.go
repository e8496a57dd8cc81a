package storm

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"net/url"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// request is one produce request. Its records' values are ids that no other record of the test has.
type request struct {
	client, number int
	key            string // Idempotency-Key
	query          string
	media          string
	body           []byte
	other          []byte // a body that this key does not stand for
	ids            []string

	answer string // the first one; "": none yet
	placed placed
}

// placed is what an answer says with return=offsets.
type placed struct {
	Count   int     `json:"count"`
	Offsets []place `json:"offsets"` // in the order of ids
}

type place struct {
	Partition int   `json:"partition"`
	Offset    int64 `json:"offset"`
}

// newRequest makes a client's next request, of any format.
func newRequest(client, number, partitions int) *request {
	r := &request{client: client, number: number, key: fmt.Sprintf("client %d, request %d", client, number)}
	r.query = "return=offsets"
	for i := range 1 + rand.IntN(6) {
		r.ids = append(r.ids, fmt.Sprintf("%d.%d.%d.%s", client, number, i, strings.Repeat("x", rand.IntN(150))))
	}
	switch rand.IntN(4) {
	case 0:
		r.media = "application/json"
		r.body = []byte(`{"records":[` + strings.Join(objects(r.ids, partitions), ",") + "]}")
	case 1:
		r.media = "application/x-ndjson"
		r.body = []byte(strings.Join(objects(r.ids, partitions), "\n"))
	case 2:
		r.media, r.ids = "application/octet-stream", r.ids[:1]
		r.query += "&key=" + url.QueryEscape("key "+strconv.Itoa(rand.IntN(100)))
		r.body = []byte(r.ids[0])
	default:
		r.media = "application/vnd.kafka.recordbatch.v2"
		r.query += "&partition=" + strconv.Itoa(rand.IntN(partitions))
		cut := 1 + rand.IntN(len(r.ids))
		r.body, r.other = recordBatch(r.ids[:cut]), recordBatch(append([]string{"other"}, r.ids[1:]...))
		if cut < len(r.ids) {
			r.body = append(r.body, recordBatch(r.ids[cut:])...)
		}
	}
	if r.other == nil {
		r.other = bytes.Replace(r.body, []byte(r.ids[0]), []byte("other"), 1)
	}
	return r
}

// objects are records as JSON: with a key, without one, or for a partition.
func objects(ids []string, partitions int) []string {
	all := make([]string, len(ids))
	for i, id := range ids {
		where := ""
		switch rand.IntN(3) {
		case 0:
			where = fmt.Sprintf(`,"key":"key %d"`, rand.IntN(100))
		case 1:
			where = fmt.Sprintf(`,"partition":%d`, rand.IntN(partitions))
		}
		all[i] = fmt.Sprintf(`{"value":%q%s}`, id, where)
	}
	return all
}

// recordBatch is Kafka's own format, version 2, of a producer without an id.
func recordBatch(values []string) []byte {
	const millis = 1_768_471_200_000
	var records []byte
	for i, v := range values {
		one := kmsg.Record{OffsetDelta: int32(i), Value: []byte(v)}
		one.Length = int32(len(one.AppendTo(nil)) - 1) // a length of 0 takes one byte
		records = one.AppendTo(records)
	}
	b := kmsg.RecordBatch{
		Magic: 2, LastOffsetDelta: int32(len(values) - 1), FirstTimestamp: millis, MaxTimestamp: millis,
		PartitionLeaderEpoch: -1, ProducerID: -1, ProducerEpoch: -1, FirstSequence: -1,
		NumRecords: int32(len(values)), Records: records,
	}
	p := b.AppendTo(nil)
	const beforeLength, beforeCRC = 12, 21
	binary.BigEndian.PutUint32(p[8:], uint32(len(p)-beforeLength))
	binary.BigEndian.PutUint32(p[17:], crc32.Checksum(p[beforeCRC:], crc32.MakeTable(crc32.Castagnoli)))
	return p
}
