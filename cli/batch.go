package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"flashq/http"
)

// What one request may hold by default.
var (
	maxBody        = http.DefaultConfig().MaxBodyBytes
	maxJSONRecords = http.DefaultConfig().MaxBatchRecords
)

// batch is an input of records, cut into the bodies of requests.
type batch struct {
	media string
	cut   func() ([]byte, error) // the next body; io.EOF: that was all
	close func()
}

func (b *batch) next() (*bytes.Reader, error) {
	body, err := b.cut()
	return bytes.NewReader(body), err
}

// openBatch opens a file, or standard input for -, and finds out what it holds: .ndjson and .jsonl say so, all else is
// judged by how it begins.
func openBatch(ctx context.Context, name string, stdin io.Reader) (*batch, error) {
	b := &batch{close: func() {}}
	var in *bufio.Reader
	if name == "-" {
		typed := interruptible(ctx, stdin)
		b.close = func() { _ = typed.Close() } // a pipe's never fails
		in = bufio.NewReader(typed)
	} else {
		file, err := os.Open(name)
		if err != nil {
			return nil, wrongInput("--batch: %w", err)
		}
		b.close = func() { _ = file.Close() } // it was only read
		in = bufio.NewReader(file)
	}
	kind := strings.ToLower(filepath.Ext(name))
	if kind == ".ndjson" || kind == ".jsonl" || !isDocument(in, kind == ".json") {
		b.media, b.cut = "application/x-ndjson", (&lineCutter{in: in}).cut
	} else {
		b.media, b.cut = "application/json", (&documentCutter{in: json.NewDecoder(in)}).cut
	}
	return b, nil
}

// interruptible reads from r until ctx ends, even while r blocks, as a terminal does. Who closes it reads no more.
func interruptible(ctx context.Context, r io.Reader) io.ReadCloser {
	out, in := io.Pipe()
	context.AfterFunc(ctx, func() { in.CloseWithError(ctx.Err()) })
	go func() {
		_, err := io.Copy(in, r)
		in.CloseWithError(err)
	}()
	return out
}

// isDocument looks how the input begins: with a list, or an object whose first member is "records". Any object is a
// document where lines are not expected.
func isDocument(in *bufio.Reader, anyObject bool) bool {
	const enough = 256
	head, _ := in.Peek(enough) // a short input is no error here
	head = bytes.TrimLeft(head, " \t\r\n")
	if bytes.HasPrefix(head, []byte{'['}) {
		return true
	}
	rest, isObject := bytes.CutPrefix(head, []byte{'{'})
	return isObject && (anyObject || bytes.HasPrefix(bytes.TrimLeft(rest, " \t\r\n"), []byte(`"records"`)))
}

// lineCutter cuts NDJSON between lines.
type lineCutter struct {
	in      *bufio.Reader
	pending []byte // a line that found no room
	line    int
}

func (c *lineCutter) cut() ([]byte, error) {
	body := c.pending
	c.pending = nil
	for {
		line, err := c.read()
		switch {
		case errors.Is(err, io.EOF) && len(body) > 0:
			return body, nil
		case err != nil:
			return nil, err
		case len(body)+len(line) > maxBody:
			c.pending = line
			return body, nil
		}
		body = append(body, line...)
	}
}

// read gives the next line that is not blank, with a line feed at its end.
func (c *lineCutter) read() ([]byte, error) {
	for {
		c.line++
		var line []byte
		for {
			part, err := c.in.ReadSlice('\n')
			line = append(line, part...)
			if err == nil || errors.Is(err, io.EOF) && len(line) > 0 {
				break
			}
			if !errors.Is(err, bufio.ErrBufferFull) {
				return nil, err
			}
			if len(line) > maxBody {
				return nil, fmt.Errorf("line %d is longer than a request may be, %s", c.line, sizeText(int64(maxBody)))
			}
		}
		if line = bytes.TrimSpace(line); len(line) > 0 {
			return append(line, '\n'), nil
		}
	}
}

// documentCutter cuts a list of records, bare or in a document, between records. Each record stays as it is, byte for
// byte: the JSON in a value must not change.
type documentCutter struct {
	in       *json.Decoder
	begun    bool
	document bool
	done     bool
	pending  json.RawMessage // a record that found no room
}

func (c *documentCutter) cut() ([]byte, error) {
	if !c.begun {
		if err := c.begin(); err != nil {
			return nil, err
		}
	}
	body, records := []byte(`{"records":[`), 0
	for ; records < maxJSONRecords; records++ {
		record := c.pending
		if c.pending = nil; record == nil {
			var err error
			if record, err = c.record(); err != nil {
				return nil, err
			}
		}
		if record == nil {
			break
		}
		if records > 0 && len(body)+len(record)+len(",]}") > maxBody {
			c.pending = record
			break
		}
		if records > 0 {
			body = append(body, ',')
		}
		body = append(body, record...)
	}
	if records == 0 {
		return nil, io.EOF
	}
	return append(body, "]}"...), nil
}

// begin goes to the first record.
func (c *documentCutter) begin() error {
	c.begun = true
	first, err := c.in.Token()
	if err != nil || first == json.Delim('[') {
		return noEOF(err)
	}
	c.document = true
	for c.in.More() {
		name, err := c.in.Token()
		if err != nil {
			return noEOF(err)
		}
		if name == "records" {
			if start, err := c.in.Token(); err != nil || start != json.Delim('[') {
				return errors.Join(errors.New(`"records" is no list`), err)
			}
			return nil
		}
		if err := c.in.Decode(new(json.RawMessage)); err != nil {
			return noEOF(err)
		}
	}
	return errors.New(`the document has no member "records"`)
}

// record gives the next record, nil after the last; then the input has to end as well.
func (c *documentCutter) record() (record json.RawMessage, err error) {
	if c.done {
		return nil, nil
	}
	if c.in.More() {
		err = c.in.Decode(&record)
		return record, noEOF(err)
	}
	c.done = true
	_, err = c.in.Token() // the list's end
	for err == nil && c.document && c.in.More() {
		if _, err = c.in.Token(); err == nil { // a member's name
			err = c.in.Decode(new(json.RawMessage))
		}
	}
	if err == nil && c.document {
		_, err = c.in.Token()
	}
	if err != nil {
		return nil, noEOF(err)
	}
	if _, err = c.in.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("something follows the list's end")
	}
	return nil, nil
}

// noEOF keeps an input that ends too early from being taken for one that is over.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
