package kafka

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"flashq/e2e/instance"
)

// Log is a .log file and what must be in it.
type Log struct {
	Path  string
	Base  int64 // the first record's offset
	Count int   // records; their offsets are dense
	Epoch int   // of every batch
}

// Logs lets Kafka's dump tool read log files, all in one run, and gives the records of each by its path. The tool's
// exit code says little: it is 0 for a bad CRC, and a wrong epoch or magic is no matter to it. So every line is judged.
func Logs(logs ...Log) (map[string][]Record, error) {
	paths := make([]string, len(logs))
	for i, l := range logs {
		paths[i] = l.Path
	}
	out, said, err := dump("--deep-iteration", "--print-data-log", "--files", strings.Join(paths, ","))
	if err != nil {
		return nil, err
	}
	for _, l := range logs {
		said = strings.Replace(said, l.excuse(), "", 1)
	}
	if said != "" {
		return nil, fmt.Errorf("DumpLogSegments objects: %s", said)
	}
	found, err := parseDump(out)
	if err != nil {
		return nil, err
	}
	records := map[string][]Record{}
	var wrong []error
	for _, l := range logs {
		wrong = append(wrong, l.judge(found[l.Path]))
		records[l.Path] = found[l.Path].records
	}
	return records, errors.Join(wrong...)
}

// excuse is what Kafka 4.3.1's tool says about every sound file that does not begin at offset 0, Kafka's own included.
func (l Log) excuse() string {
	if l.Base == 0 {
		return ""
	}
	return fmt.Sprintf("Non-consecutive offsets in %s\n  -1 is followed by %d\n", l.Path, l.Base)
}

// judge compares what the tool found in a file with what must be there.
func (l Log) judge(d dumped) error {
	if len(d.records) != l.Count {
		return fmt.Errorf("%s: %d records instead of %d", l.Path, len(d.records), l.Count)
	}
	next := l.Base
	for _, b := range d.batches {
		if b.base != next || b.last-b.base+1 != int64(b.count) {
			return fmt.Errorf("%s: %d records at %d..%d, where %d comes next", l.Path, b.count, b.base, b.last, next)
		}
		if !b.valid || b.magic != 2 || b.epoch != l.Epoch {
			return fmt.Errorf("%s: at %d: isvalid %v, magic %d, epoch %d", l.Path, b.base, b.valid, b.magic, b.epoch)
		}
		next = b.last + 1
	}
	for i, r := range d.records {
		if r.Offset != l.Base+int64(i) {
			return fmt.Errorf("%s: record %d has offset %d instead of %d", l.Path, i, r.Offset, l.Base+int64(i))
		}
	}
	return nil
}

// Indexes lets Kafka's dump tool compare every entry of index and time index files with the logs beside them. The tool
// prints what it finds wrong and exits with 0.
func Indexes(paths ...string) error {
	out, said, err := dump("--verify-index-only", "--files", strings.Join(paths, ","))
	if err != nil {
		return err
	}
	if said != "" {
		return fmt.Errorf("DumpLogSegments objects: %s", said)
	}
	seen := 0
	for line := range strings.Lines(out) {
		line = strings.TrimSuffix(line, "\n")
		switch {
		case strings.HasPrefix(line, "Dumping "):
			seen++
		case !strings.HasSuffix(line, " is empty."):
			return fmt.Errorf("DumpLogSegments on indexes: %s", out)
		}
	}
	if seen != len(paths) {
		return fmt.Errorf("DumpLogSegments looked at %d indexes of %d", seen, len(paths))
	}
	return nil
}

// dump runs the tool and gives what it printed, and what it said on standard error.
func dump(args ...string) (printed, said string, err error) {
	cmd, err := peer(append([]string{"tool", "org.apache.kafka.tools.DumpLogSegments"}, args...)...)
	if err != nil {
		return "", "", err
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", "", fmt.Errorf("DumpLogSegments: %w: %s", err, stderr.Bytes())
	}
	return stdout.String(), stderr.String(), nil
}

// peer is a command of tools/kafka/peer.sh, not yet started.
func peer(args ...string) (*exec.Cmd, error) {
	root, err := instance.Root()
	if err != nil {
		return nil, err
	}
	return exec.Command(filepath.Join(root, "tools", "kafka", "peer.sh"), args...), nil
}
