package loadtest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"flashq/loadtest/drive"
)

// arrived is a record of an answer. Its value is valid as long as the answer.
type arrived struct {
	partition int
	offset    int64
	value     []byte
}

// readAnswer takes an answer apart, whatever its format; partition is what was asked for, where the answer doesn't say.
func readAnswer(format string, a *drive.Answer, partition int) ([]arrived, error) {
	switch format {
	case "raw":
		return readRaw(a)
	case "batch":
		return readBatches(a.Body, partition)
	case "ndjson":
		return readLines(a.Body)
	}
	var answer struct{ Records []line }
	if err := json.Unmarshal(a.Body, &answer); err != nil {
		return nil, fmt.Errorf("an answer that is no JSON: %w", err)
	}
	list := make([]arrived, len(answer.Records))
	for i, l := range answer.Records {
		var err error
		if list[i], err = l.record(); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// readRaw takes the one record of a raw answer, if there is one.
func readRaw(a *drive.Answer) ([]arrived, error) {
	if a.Status() == 204 {
		return nil, nil
	}
	partition, err := strconv.Atoi(a.Header("FlashQ-Partition"))
	offset, err2 := strconv.ParseInt(a.Header("FlashQ-Offset"), 10, 64)
	if err := errors.Join(err, err2); err != nil {
		return nil, fmt.Errorf("FlashQ-Partition or FlashQ-Offset: %w", err)
	}
	return []arrived{{partition, offset, a.Body}}, nil
}

func readLines(b []byte) ([]arrived, error) {
	var list []arrived
	for text := range bytes.Lines(b) {
		var l line
		if err := json.Unmarshal(text, &l); err != nil {
			return nil, fmt.Errorf("a record that is no JSON: %w", err)
		}
		r, err := l.record()
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	return list, nil
}

// line is a record as JSON. With encoding=json a value may be any JSON.
type line struct {
	Partition int
	Offset    int64
	Value     json.RawMessage
	Text      *string `json:"value_text"`
	Base64    *string `json:"value_base64"`
}

func (l line) record() (arrived, error) {
	r := arrived{partition: l.Partition, offset: l.Offset, value: l.Value}
	var err error
	switch {
	case l.Text != nil:
		r.value = []byte(*l.Text)
	case l.Base64 != nil:
		r.value, err = base64.StdEncoding.DecodeString(*l.Base64)
	case len(l.Value) > 0 && l.Value[0] == '"':
		var text string
		err = json.Unmarshal(l.Value, &text)
		r.value = []byte(text)
	}
	if err != nil {
		return r, fmt.Errorf("the value at offset %d: %w", l.Offset, err)
	}
	return r, nil
}
