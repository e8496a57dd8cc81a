package dump

import (
	"encoding/hex"
	"fmt"
	"os"
	"strings"

	"flashq/segment"
)

// list says what entries a small file has, and what is wrong with it.
func (o *out) list(kind string, entries [][]Field, wrong error) error {
	for _, fields := range entries {
		if err := o.say(kind, fields...); err != nil {
			return err
		}
	}
	if wrong != nil {
		if err := o.damaged("%v", wrong); err != nil {
			return err
		}
	}
	return o.say("end", Field{"entries", len(entries)}, Field{"damaged", o.faults})
}

// producers reads a snapshot of what was known of producers.
func (o *out) producers(p []byte) error {
	var entries [][]Field
	err := segment.DecodeProducers(p, func(e segment.Producer, coordinatorEpoch int32, openFrom int64) {
		fields := []Field{
			producerID(e.ID), {"producer_epoch", e.Epoch}, {"last_sequence", e.LastSequence}, {"last_offset", e.LastOffset},
			{"offset_delta", e.OffsetDelta}, {"timestamp", Millis(e.Timestamp)}, {"coordinator_epoch", coordinatorEpoch},
		}
		if openFrom >= 0 {
			fields = append(fields, Field{"open_transaction_from", openFrom})
		}
		entries = append(entries, fields)
	})
	return o.list("producer", entries, err)
}

// keys reads what stands beside a snapshot.
func (o *out) keys(p []byte) error {
	notes, err := segment.DecodeKeyNotes(p)
	var entries [][]Field
	for _, n := range notes {
		var ranges []string
		for _, r := range n.Runs {
			ranges = append(ranges, fmt.Sprintf("%d-%d", r.Base, r.Base+int64(r.Count)-1))
		}
		fields := []Field{producerID(n.ID), {"digest", digest(n.Digest)}}
		if len(ranges) > 0 {
			fields = append(fields, Field{"earlier_offsets", Words(strings.Join(ranges, ","))})
		}
		entries = append(entries, fields)
	}
	return o.list("key", entries, err)
}

// digest is the beginning of a request's, where it is known.
func digest(p [16]byte) Words {
	if p == [16]byte{} {
		return "unknown"
	}
	return Words(hex.EncodeToString(p[:]))
}

// keyNotes reads what is written beside the active segment: the last note may be under way.
func (o *out) keyNotes(f *os.File, size int64) error {
	entries, torn := 0, Field{"what", Words("its checksum does not hold")}
	err := segment.EachNote(f, size, func(n segment.Note) error {
		entries++
		place := Field{"position", n.Pos}
		if n.Damaged && o.open {
			return o.say("under_way", place, torn)
		}
		if n.Damaged {
			return o.fault(place, torn)
		}
		return o.say("key_note", place, producerID(n.ID), Field{"base_offset", n.BaseOffset}, Field{"crc", n.CRC},
			Field{"digest", digest(n.Digest)})
	})
	if err != nil {
		return err
	}
	return o.say("end", Field{"entries", entries}, Field{"damaged", o.faults})
}

func (o *out) epochs(p []byte) error {
	epochs, whole := segment.ParseEpochs(p)
	var entries [][]Field
	for _, e := range epochs {
		entries = append(entries, []Field{{"leader_epoch", e.Epoch}, {"start_offset", e.Start}})
	}
	return o.list("epoch", entries, unless(whole, "it is not whole"))
}

func unless(fine bool, what string) error {
	if fine {
		return nil
	}
	return fmt.Errorf("%s", what)
}

// sealed reads segments.checkpoint, in which each line stands by itself.
func (o *out) sealed(p []byte) error {
	entries, number := 0, 0
	for line := range strings.Lines(string(p)) {
		number++
		s, ok := segment.ParseSealedLine(strings.TrimSuffix(line, "\n"))
		if !ok {
			if err := o.fault(Field{"line", number}, Field{"what", Words("its checksum does not hold")}); err != nil {
				return err
			}
			continue
		}
		entries++
		if err := o.say("segment", Field{"base_offset", s.Base}, Field{"next_offset", s.Next}, Field{"size", s.Size},
			Field{"first_timestamp", Millis(s.FirstTimestamp)}, Field{"max_timestamp", Millis(s.MaxTimestamp)}); err != nil {
			return err
		}
	}
	return o.say("end", Field{"entries", entries}, Field{"damaged", o.faults})
}

// properties reads lines of "name: value".
func (o *out) properties(p []byte) error {
	var entries [][]Field
	whole := true
	for line := range strings.Lines(string(p)) {
		name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ":")
		whole = whole && ok
		entries = append(entries, []Field{{"name", name}, {"value", strings.TrimSpace(value)}})
	}
	return o.list("property", entries, unless(whole, "it has a line without a name and a value"))
}

// caches reads a checkpoint of offsets that only Kafka has, which makes it empty.
func (o *out) caches(p []byte) error {
	if len(p) == 0 {
		return o.list("partition", nil, nil)
	}
	return o.offsets(p)
}

// offsets reads a checkpoint of an offset for each partition.
func (o *out) offsets(p []byte) error {
	starts, err := segment.ParseLogStarts(p)
	var entries [][]Field
	for _, s := range starts {
		entries = append(entries, []Field{{"topic", s.Topic}, {"partition", s.Partition}, {"offset", s.Offset}})
	}
	return o.list("partition", entries, err)
}
