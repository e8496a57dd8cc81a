package fetch

import (
	"errors"
	"fmt"
	"net"

	"flashq/broker"
	"flashq/segment/batch"
	"flashq/slab"
)

// OffsetForTime finds the first record of a partition that is not older than millis, with its timestamp, for a request
// that came over c. ok is false past the newest, where offset is the end, and for damage that may hide it, where offset
// is the damage's.
func (e *Env) OffsetForTime(
	c net.Conn, topic broker.Topic, partition int, millis int64,
) (offset, time int64, ok bool, err error) {
	s := search{env: e, conn: c}
	for range mostGone {
		offset, time, ok, err = s.offsetForTime(topic, partition, millis)
		if !errors.Is(err, broker.ErrGone) { // else retention was faster
			break
		}
	}
	return offset, time, ok, err
}

func (s *search) offsetForTime(
	topic broker.Topic, partition int, millis int64,
) (offset, time int64, ok bool, err error) {
	view, err := topic.Snapshot(s.env.Calls, partition)
	if err != nil {
		return 0, 0, false, fmt.Errorf("partition %d: %w", partition, err)
	}
	defer view.Close()
	offset, time, ok, err = s.find(view, millis, view.LogStart())
	var corrupt *broker.CorruptError
	switch {
	case errors.As(err, &corrupt):
		return corrupt.FirstOffset, 0, false, nil
	case err != nil:
		return 0, 0, false, aboutPartition(topic, partition, err)
	case !ok:
		offset = view.HighWatermark()
	}
	return offset, time, ok, nil
}

// TimeAt gives the timestamp of the record at an offset, or of the first one after it; ok is false where there is none,
// where it can't be read, or was trimmed meanwhile.
func (e *Env) TimeAt(topic broker.Topic, partition int, offset int64) (millis int64, ok bool, err error) {
	view, err := topic.Snapshot(e.Calls, partition)
	if err != nil {
		return 0, false, fmt.Errorf("partition %d: %w", partition, err)
	}
	defer view.Close()
	raw, err := view.Read(slab.Get(readBytes), offset, 1)
	defer func() { slab.Put(raw) }()
	var corrupt *broker.CorruptError
	var hidden *broker.UnreadableError
	switch {
	case errors.As(err, &corrupt) || errors.As(err, &hidden):
		return 0, false, nil
	case err == nil && len(raw) == 0:
		return 0, false, nil
	case err != nil:
		return 0, false, aboutPartition(topic, partition, err)
	}
	return e.timeIn(raw, offset)
}

// timeIn is TimeAt within the batches of raw, where the first one holds the offset.
func (e *Env) timeIn(raw []byte, offset int64) (millis int64, ok bool, err error) {
	b, _, err := batch.Next(raw)
	if err != nil {
		return 0, false, err
	}
	plain, room, err := e.Codecs.Unpack(nil, b)
	defer slab.Put(room)
	if err != nil {
		return 0, false, nil //nolint:nilerr // to a reader that is damage, and this is about the time only
	}
	for it := plain.Records(); it.Next(); {
		if b.BaseOffset()+int64(it.Record.OffsetDelta) >= offset {
			return timeOf(b, &it.Record), true, nil
		}
	}
	return 0, false, nil
}
