package segment

import (
	"bytes"
	"errors"
	"fmt"
	"hash/crc32"
	"strings"
)

// sealedInfo is what is known of a sealed segment. It never changes.
type sealedInfo struct {
	base    int64
	next    int64 // the offset after its last record
	size    int64
	firstTS int64 // -1 without a record
	maxTS   int64
	arrived int64 // when its last record did, by the steady clock
	runMax  int64 // the largest maxTS of this and all earlier segments
	lost    bool  // this or an earlier one ends before the next one begins
}

// A line of segments.checkpoint: base, next, size, first and largest timestamp, CRC-32 of what stands before it.
func (s sealedInfo) line() string {
	text := fmt.Sprintf("%d %d %d %d %d", s.base, s.next, s.size, s.firstTS, s.maxTS)
	return fmt.Sprintf("%s %08x\n", text, crc32.ChecksumIEEE([]byte(text)))
}

func parseLine(line string) (s sealedInfo, ok bool) {
	text, sum, found := cutLast(line)
	if !found || sum != fmt.Sprintf("%08x", crc32.ChecksumIEEE([]byte(text))) {
		return s, false
	}
	_, err := fmt.Sscanf(text, "%d %d %d %d %d", &s.base, &s.next, &s.size, &s.firstTS, &s.maxTS)
	return s, err == nil
}

func cutLast(line string) (before, after string, ok bool) {
	i := strings.LastIndexByte(line, ' ')
	if i < 0 {
		return "", "", false
	}
	return line[:i], line[i+1:], true
}

// SealedLine is what a line of segments.checkpoint says of a sealed segment.
type SealedLine struct{ Base, Next, Size, FirstTimestamp, MaxTimestamp int64 }

// ParseSealedLine reads a line of segments.checkpoint, and tells whether its CRC holds.
func ParseSealedLine(line string) (SealedLine, bool) {
	s, ok := parseLine(line)
	return SealedLine{s.base, s.next, s.size, s.firstTS, s.maxTS}, ok
}

// loadCheckpoint reads what is known of sealed segments, by base offset. It is a cache: lines that can't be read do not
// count, and neither does a file that is not there.
func loadCheckpoint(fs FS, dir string) map[int64]sealedInfo {
	known := map[int64]sealedInfo{}
	data, err := ReadFile(fs, dir+"/"+checkpointName)
	if err != nil {
		return known
	}
	for line := range strings.Lines(string(data)) {
		if s, ok := parseLine(strings.TrimSuffix(line, "\n")); ok {
			known[s.base] = s
		}
	}
	return known
}

// storeCheckpoint writes the lines anew, so that the file does not grow with segments that are gone.
func storeCheckpoint(fs FS, dir string, sealed []sealedInfo) error {
	var text bytes.Buffer
	for _, s := range sealed {
		text.WriteString(s.line())
	}
	return WriteFile(fs, dir, checkpointName, text.Bytes(), false)
}

// surplus tells that a checkpoint of so many lines speaks mostly of segments that are gone.
func (l *Log) surplus(lines int) bool { return lines > 2*len(l.sealed)+16 }

// appendCheckpoint adds one sealed segment's line.
func appendCheckpoint(fs FS, dir string, s sealedInfo) error {
	f, err := fs.Create(dir + "/" + checkpointName)
	if err != nil {
		return err
	}
	size, err := f.Size()
	if err == nil {
		_, err = f.WriteAt([]byte(s.line()), size)
	}
	return errors.Join(err, f.Close())
}
