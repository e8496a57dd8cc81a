package kafka

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Record is a record as the dump tool shows it: without header values. Keys and values of the tests hold no newline.
type Record struct {
	Offset     int64
	Timestamp  int64 // milliseconds
	Key, Value *string
	HeaderKeys string // joined by commas
}

// dumped is what the tool printed about one file.
type dumped struct {
	batches []batch
	records []Record
}

type batch struct {
	base, last          int64
	count, epoch, magic int
	valid               bool
}

var (
	batchLine = regexp.MustCompile(`^baseOffset: (\d+) lastOffset: (\d+) count: (\d+) .* ` +
		`partitionLeaderEpoch: (-?\d+) .* magic: (\d+) compresscodec: \w+ crc: \d+ isvalid: (true|false)$`)
	recordLine = regexp.MustCompile(`^\| offset: (\d+) CreateTime: (-?\d+) keySize: (-?\d+) valueSize: (-?\d+) ` +
		`sequence: -?\d+ headerKeys: \[(.*?)\](.*)$`)
)

// parseDump takes the tool's whole output apart, by the file that each line is about. A line that is none of those that
// a sound file gives is an objection.
func parseDump(out string) (map[string]dumped, error) {
	files := map[string]dumped{}
	path := ""
	for line := range strings.Lines(out) {
		line = strings.TrimSuffix(line, "\n")
		d := files[path]
		var err error
		switch {
		case strings.HasPrefix(line, "Dumping "):
			path = strings.TrimPrefix(line, "Dumping ")
			d = files[path]
		case strings.HasPrefix(line, "Log starting offset: "):
		case strings.HasPrefix(line, "baseOffset: "):
			var b batch
			b, err = parseBatch(line)
			d.batches = append(d.batches, b)
		case strings.HasPrefix(line, "| offset: "):
			var r Record
			r, err = parseRecord(line)
			d.records = append(d.records, r)
		default:
			err = fmt.Errorf("it says %q", line)
		}
		if err != nil {
			return nil, fmt.Errorf("DumpLogSegments on %s: %w", path, err)
		}
		files[path] = d
	}
	return files, nil
}

func parseBatch(line string) (batch, error) {
	m := batchLine.FindStringSubmatch(line)
	if m == nil {
		return batch{}, fmt.Errorf("batch line %q", line)
	}
	return batch{
		base: int64(number(m[1])), last: int64(number(m[2])), count: number(m[3]),
		epoch: number(m[4]), magic: number(m[5]), valid: m[6] == "true",
	}, nil
}

func parseRecord(line string) (Record, error) {
	m := recordLine.FindStringSubmatch(line)
	if m == nil {
		return Record{}, fmt.Errorf("record line %q", line)
	}
	r := Record{Offset: int64(number(m[1])), Timestamp: int64(number(m[2])), HeaderKeys: m[5]}
	rest := m[6]
	var ok bool
	if r.Key, rest, ok = field(rest, " key: ", number(m[3])); ok {
		r.Value, rest, ok = field(rest, " payload: ", number(m[4]))
	}
	if !ok || rest != "" {
		return Record{}, fmt.Errorf("record line %q", line)
	}
	return r, nil
}

// field takes a named field of so many bytes from the front; -1 is null, which the tool doesn't print.
func field(text, name string, size int) (value *string, rest string, ok bool) {
	if size < 0 {
		return nil, text, true
	}
	text, ok = strings.CutPrefix(text, name)
	if !ok || len(text) < size {
		return nil, text, false
	}
	v := text[:size]
	return &v, text[size:], true
}

// number is for what a pattern above matched as digits.
func number(digits string) int {
	n, err := strconv.Atoi(digits)
	if err != nil {
		panic(err)
	}
	return n
}
