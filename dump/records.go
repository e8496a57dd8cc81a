package dump

import (
	"encoding/binary"
	"errors"
	"path/filepath"
	"strconv"
	"strings"

	"flashq/codec"
	"flashq/group"
	"flashq/segment"
	"flashq/segment/batch"
)

// decoder says in words what a record of a log of FlashQ's or Kafka's own means; ok is false where it means nothing.
type decoder func(r *batch.Record) (kind string, fields []Field, ok bool)

// decoderOf tells by a log's folder what its records mean; nil for those that are anybody's.
func decoderOf(path string) decoder {
	if whole, err := filepath.Abs(path); err == nil {
		path = whole
	}
	topic := filepath.Base(filepath.Dir(path))
	if i := strings.LastIndexByte(topic, '-'); i >= 0 {
		topic = topic[:i]
	}
	switch topic {
	case "__consumer_offsets":
		return decodeOffsets
	case "__flashq_meta":
		return decodeTopic
	}
	return nil
}

// recordsOf says what records a batch has.
func (l *logWalk) recordsOf(p segment.Piece) error {
	fault := func(err error, what string) error {
		if errors.Is(err, codec.ErrTooLarge) || errors.Is(err, codec.ErrWindow) {
			return l.say("not_read", Field{"position", p.Pos}, Field{"what", Words(what)})
		}
		return l.fault(Field{"position", p.Pos}, Field{"size", p.Size}, Field{"first_offset", p.Batch.BaseOffset()},
			Field{"last_offset", p.Batch.LastOffset()}, Field{"what", Words(what)})
	}
	plain, room, err := l.codecs.Unpack(l.room, p.Batch)
	l.room = room
	if err != nil {
		return fault(err, l.codecs.Why(p.Batch, err))
	}
	it := plain.Records()
	for it.Next() {
		if err := l.record(p.Batch, &it.Record); err != nil {
			return err
		}
	}
	if err := it.Err(); err != nil {
		return fault(err, err.Error())
	}
	return nil
}

func (l *logWalk) record(b batch.Batch, r *batch.Record) error {
	timestamp := b.BaseTimestamp() + r.TimestampDelta
	if b.IsLogAppendTime() {
		timestamp = b.MaxTimestamp()
	}
	fields := []Field{{"offset", b.BaseOffset() + int64(r.OffsetDelta)}, {"timestamp", Millis(timestamp)}}
	decode := l.decode
	if b.IsControl() {
		decode = decodeControl
	}
	if decode != nil {
		if kind, meaning, ok := decode(r); ok {
			return l.within(kind, append(fields, meaning...))
		}
	}
	if b.BaseSequence() >= 0 && b.ProducerID() != batch.NoProducer {
		fields = append(fields, Field{"sequence", batch.AddSequence(b.BaseSequence(), r.OffsetDelta)})
	}
	fields = append(fields, Field{"key_size", sizeOf(r.Key)}, Field{"value_size", sizeOf(r.Value)},
		Field{"key", Bytes(r.Key)}, Field{"value", Bytes(r.Value)})
	if r.HeaderCount() > 0 {
		headers, err := headersOf(r)
		if fields = append(fields, Field{"headers", headers}); err != nil {
			return l.fault(append(fields, Field{"what", Words(err.Error())})...)
		}
	}
	return l.within("record", fields)
}

// sizeOf is -1 for null, as in Kafka.
func sizeOf(p []byte) int {
	if p == nil {
		return -1
	}
	return len(p)
}

func headersOf(r *batch.Record) (all Headers, err error) {
	it := r.Headers()
	for it.Next() {
		all = append(all, Header(it.Header))
	}
	return all, it.Err()
}

// decodeControl reads what ends a transaction, and what else Kafka's brokers tell one another.
func decodeControl(r *batch.Record) (string, []Field, bool) {
	if len(r.Key) < 4 {
		return "", nil, false
	}
	names := []Words{"abort", "commit", "leader change", "snapshot header", "snapshot footer", "kraft version", "voters"}
	kind := int(int16(binary.BigEndian.Uint16(r.Key[2:])))
	fields := []Field{{"control", Words("type " + strconv.Itoa(kind))}}
	if kind >= 0 && kind < len(names) {
		fields[0].Value = names[kind]
	}
	if endsTransaction := kind == 0 || kind == 1; endsTransaction && len(r.Value) >= 6 {
		fields = append(fields, Field{"coordinator_epoch", int32(binary.BigEndian.Uint32(r.Value[2:]))})
	}
	return "control", fields, true
}

// decodeOffsets reads what groups committed.
func decodeOffsets(r *batch.Record) (string, []Field, bool) {
	e, err := group.Decode(r.Key, r.Value)
	if err != nil {
		return "", nil, false
	}
	kind, fields := "group", []Field{{"group", e.Group}}
	if !e.IsGroup {
		kind, fields = "commit", append(fields, Field{"topic", e.Topic}, Field{"partition", e.Partition})
	}
	switch {
	case e.Tombstone:
		fields = append(fields, Field{"tombstone", true})
	case e.IsGroup:
		fields = append(fields, Field{"generation", e.State.Generation}, Field{"protocol_type", e.State.ProtocolType})
		if e.State.Protocol != nil {
			fields = append(fields, Field{"protocol", *e.State.Protocol})
		}
		fields = append(fields, Field{"members", len(e.State.Members)})
	default:
		fields = append(fields, Field{"committed_offset", e.Commit.Offset}, Field{"leader_epoch", e.Commit.LeaderEpoch},
			Field{"metadata", e.Commit.Metadata}, Field{"committed_at", Millis(e.Commit.CommitTimestamp)})
	}
	return kind, fields, true
}

// decodeTopic reads what FlashQ's metadata log says of a topic.
func decodeTopic(r *batch.Record) (string, []Field, bool) {
	return "topic", []Field{{"topic", string(r.Key)}, {"value", Bytes(r.Value)}}, true
}
