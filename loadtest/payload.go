package loadtest

import (
	"bufio"
	"bytes"
	"fmt"
	"os"

	"flashq/loadtest/report"
)

// payloadLimit bounds what is read of a payload file: bodies of it are to stay in cache as far as they can.
const payloadLimit = 16 << 20

// payload reads the lines of a file, each of which is one value; empty ones are passed over.
func payload(file string) ([][]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("%w: --payload: %w", ErrConfig, err)
	}
	defer func() { _ = f.Close() }() // it was only read
	var lines [][]byte
	size := 0
	in := bufio.NewScanner(f)
	in.Buffer(nil, payloadLimit)
	for size < payloadLimit && in.Scan() {
		if line := bytes.TrimSpace(in.Bytes()); len(line) > 0 {
			lines = append(lines, bytes.Clone(line))
			size += len(line)
		}
	}
	if err := in.Err(); err != nil {
		return nil, fmt.Errorf("%w: --payload %s: %w", ErrConfig, file, err)
	}
	if len(lines) == 0 {
		return nil, fmt.Errorf("%w: --payload %s has no lines; allowed: one value a line", ErrConfig, file)
	}
	return lines, nil
}

// payloadBodies builds the request bodies of a payload's lines in their order, each line at least once as far as the
// rotation has room; the last body begins again at the first line.
func payloadBodies(l report.Load) ([]body, error) {
	lines, err := payload(l.Payload)
	if err != nil {
		return nil, err
	}
	var list []body
	size := 0
	for number := 0; number < len(lines) && size < rotationBytes || len(list) < 2; number += l.Batch {
		values := make([][]byte, l.Batch)
		for i := range values {
			values[i] = lines[(number+i)%len(lines)]
		}
		b, err := bodyOf(l, number, values)
		if err != nil {
			return nil, err
		}
		list = append(list, b)
		size += len(b.text)
	}
	return list, bounded(list)
}

// payloadSize is the average length of a payload's lines.
func payloadSize(file string) (int, error) {
	lines, err := payload(file)
	if err != nil {
		return 0, err
	}
	return max(1, len(bytes.Join(lines, nil))/len(lines)), nil
}
