package segment

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

const logStartsName = "log-start-offset-checkpoint"

// LogStart says where a partition's log begins, although files of what stood before may still be there.
type LogStart struct {
	Topic     string
	Partition int
	Offset    int64
}

// ErrNotALogStart is returned for a log-start-offset-checkpoint that makes no sense, or not all of it.
var ErrNotALogStart = errors.New("not a checkpoint of log starts")

// LoadLogStarts reads Kafka's log-start-offset-checkpoint of a data folder: version 0, the number of entries, then
// "topic partition offset" lines. It is no cache: an error says that what it gives may not be all, and that the file
// must not be replaced.
func LoadLogStarts(fs FS) ([]LogStart, error) {
	data, err := ReadFile(fs, logStartsName)
	if errors.Is(err, ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return ParseLogStarts(data)
}

// ParseLogStarts reads the text of a log-start-offset-checkpoint, as of Kafka's other checkpoints of offsets.
func ParseLogStarts(data []byte) ([]LogStart, error) {
	lines := strings.Split(strings.TrimSuffix(string(data), "\n"), "\n")
	if len(lines) < 2 || lines[0] != "0" {
		return nil, fmt.Errorf("%w: it begins with %q", ErrNotALogStart, data[:min(len(data), 20)])
	}
	var starts []LogStart
	for _, line := range lines[2:] {
		s, ok := parseLogStart(line)
		if !ok {
			return starts, fmt.Errorf("%w: %.100q", ErrNotALogStart, line)
		}
		starts = append(starts, s)
	}
	if lines[1] != strconv.Itoa(len(starts)) {
		return starts, fmt.Errorf("%w: %d entries, it counts %.20q", ErrNotALogStart, len(starts), lines[1])
	}
	return starts, nil
}

func parseLogStart(line string) (s LogStart, ok bool) {
	fields := strings.Split(line, " ")
	if len(fields) != 3 {
		return s, false
	}
	partition, err1 := strconv.Atoi(fields[1])
	offset, err2 := strconv.ParseInt(fields[2], 10, 64)
	s = LogStart{Topic: fields[0], Partition: partition, Offset: offset}
	return s, err1 == nil && err2 == nil && s.Topic != "" && partition >= 0 && offset >= 0 && offset <= MaxOffset
}

// StoreLogStarts replaces the log-start-offset-checkpoint durably.
func StoreLogStarts(fs FS, starts []LogStart) error {
	slices.SortFunc(starts, func(a, b LogStart) int {
		return cmp.Or(strings.Compare(a.Topic, b.Topic), cmp.Compare(a.Partition, b.Partition))
	})
	var text bytes.Buffer
	fmt.Fprintf(&text, "0\n%d\n", len(starts))
	for _, s := range starts {
		fmt.Fprintf(&text, "%s %d %d\n", s.Topic, s.Partition, s.Offset)
	}
	return WriteFile(fs, "", logStartsName, text.Bytes(), true)
}

// KeepLogStarts gives a log-start-offset-checkpoint that can't be read another name, and tells which.
func KeepLogStarts(fs FS) (string, error) {
	name, err := unusedName(fs, logStartsName+brokenSuffix)
	if err == nil {
		err = fs.Rename(logStartsName, name)
	}
	if err == nil {
		err = fs.SyncDir("")
	}
	return name, err
}
