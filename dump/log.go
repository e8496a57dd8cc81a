package dump

import (
	"os"
	"path/filepath"
	"strconv"

	"flashq/segment"
	"flashq/segment/batch"
)

// logWalk is a walk over one log file.
type logWalk struct {
	*out

	ours             bool // no offset is left out
	decode           decoder
	batches, records int64
	next             int64 // the offset after the last record
}

func (o *out) log(f *os.File, size int64) error {
	base, known := baseOf(o.path)
	l := logWalk{out: o, ours: known && !o.kept && isOurs(o.path), decode: decoderOf(o.path), next: base}
	if err := segment.EachPiece(f, base, size, l.piece); err != nil {
		return err
	}
	return o.say("end", Field{"batches", l.batches}, Field{"records", l.records}, Field{"next_offset", l.next},
		Field{"damaged", o.faults})
}

// baseOf reads the offset that a log begins at from its name.
func baseOf(path string) (base int64, known bool) {
	const digits = 20
	name := filepath.Base(path)
	if len(name) < digits {
		return 0, false
	}
	base, err := strconv.ParseInt(name[:digits], 10, 64)
	if err != nil || base < 0 || base > segment.MaxOffset {
		return 0, false
	}
	return base, true
}

func (l *logWalk) piece(p segment.Piece) error {
	place := []Field{{"position", p.Pos}, {"size", p.Size}}
	switch p.Kind {
	case segment.GoodBatch:
		return l.batch(p)
	case segment.Damaged:
		if p.Batch != nil {
			if err := l.say("batch", batchFields(p)...); err != nil {
				return err
			}
		}
		return l.fault(append(place, lost(p, Words(p.Err.Error()))...)...)
	case segment.Gap:
		return l.gap(p)
	case segment.OldMessage:
		return l.say("message", append(place, Field{"offset", p.First}, Field{"magic", p.Magic},
			Field{"note", Words("magic " + strconv.Itoa(int(p.Magic)) + ", not read")})...)
	case segment.Zeroes:
		return l.tail(place, "zeroes up to the end: room, or a write that a power cut took", !l.ours)
	default:
		return l.tail(place, "the front part of a write, or garbage, up to the end; a broker's next start cuts it off", false)
	}
}

// lost are the offsets that damage has taken.
func lost(p segment.Piece, what Words) []Field {
	if p.Next <= p.First {
		return []Field{{"what", what}}
	}
	return []Field{{"first_offset", p.First}, {"last_offset", p.Next - 1}, {"what", what}}
}

// gap says which offsets have no records: Kafka compacts logs, FlashQ does not.
func (l *logWalk) gap(p segment.Piece) error {
	place := Field{"position", p.Pos}
	if l.ours {
		return l.fault(append([]Field{place}, lost(p, "no records have these offsets")...)...)
	}
	if l.batches == 0 {
		return nil // how far a log was emptied at its front
	}
	return l.say("gap", append([]Field{place}, lost(p, "no records: a compacted log, or they are lost")...)...)
}

// tail says what stands at the end that is no batch.
func (l *logWalk) tail(place []Field, what Words, isRoom bool) error {
	switch {
	case l.open:
		return l.say("under_way", append(place, Field{"what", Words("a write that a broker is at")})...)
	case isRoom:
		return l.say("room", append(place, Field{"what", what})...)
	}
	return l.fault(append(place, Field{"what", what})...)
}

func (l *logWalk) batch(p segment.Piece) error {
	l.batches++
	l.records += int64(p.Batch.Count())
	l.next = p.Batch.LastOffset() + 1
	if err := l.say("batch", batchFields(p)...); err != nil {
		return err
	}
	if !l.Records && l.decode == nil {
		return nil
	}
	return l.recordsOf(p)
}

// batchFields are a batch's head.
func batchFields(p segment.Piece) []Field {
	b := p.Batch
	kind := Words("create")
	if b.IsLogAppendTime() {
		kind = "append"
	}
	fields := []Field{
		{"position", p.Pos}, {"size", p.Size}, {"base_offset", b.BaseOffset()}, {"last_offset", b.LastOffset()},
		{"count", b.Count()}, {"base_timestamp", Millis(b.BaseTimestamp())}, {"max_timestamp", Millis(b.MaxTimestamp())},
		{"timestamp_type", kind}, {"codec", codecName(b)}, {"magic", b.Version()}, {"leader_epoch", b.LeaderEpoch()},
		{"crc", b.CRC()}, {"crc_valid", b.CRCHolds()},
	}
	if b.ProducerID() != batch.NoProducer {
		fields = append(fields, producerID(b.ProducerID()), Field{"producer_epoch", b.ProducerEpoch()},
			Field{"base_sequence", b.BaseSequence()})
	}
	if b.IsTransactional() {
		fields = append(fields, Field{"transactional", true})
	}
	if b.IsControl() {
		fields = append(fields, Field{"control", true})
	}
	return fields
}

// producerID is who numbered a batch, or the hash of an idempotency key.
func producerID(id int64) Field {
	if batch.IsKeyProducer(id) {
		return Field{"idempotency_key_hash", id}
	}
	return Field{"producer_id", id}
}
