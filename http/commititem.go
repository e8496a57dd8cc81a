package http

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"flashq/http/recordjson"
)

const (
	// maxMetadata bounds what a commit may say beside its offset, in characters.
	maxMetadata = 1024
	// maxCommits bounds the partitions of one commit.
	maxCommits = 10_000
)

// commitItem is one entry of a commit: an offset, or where one is to be looked up.
type commitItem struct {
	topic     string
	partition int    // -1: all of the topic
	at        string // "" when offset is given
	offset    int64
	metadata  string
}

func parseCommitItems(raw json.RawMessage) ([]commitItem, error) {
	var list []json.RawMessage
	if raw == nil {
		return nil, wrongType("offsets", "Member 'offsets' is missing")
	}
	if raw[0] != '[' || json.Unmarshal(raw, &list) != nil {
		return nil, wrongType("offsets", "Member 'offsets' must be a list")
	}
	if len(list) == 0 || len(list) > maxCommits {
		return nil, tooManyCommits(len(list))
	}
	items := make([]commitItem, len(list))
	for i, text := range list {
		var err error
		if items[i], err = parseCommitItem(text); err != nil {
			return nil, atIndex(err, i)
		}
	}
	return items, nil
}

func tooManyCommits(n int) error {
	return &apiError{
		status: 400, code: "validation_error",
		message: fmt.Sprintf("A commit takes 1 to %d partitions, not %d", maxCommits, n),
		details: details{"field": "offsets", "max_size": maxCommits, "actual_size": n},
	}
}

// atIndex tells which item of a list an error is about.
func atIndex(err error, i int) error {
	var e *apiError
	if !errors.As(err, &e) {
		return err
	}
	if e.details == nil {
		e.details = details{}
	}
	e.details["index"] = i
	e.message = fmt.Sprintf("offsets[%d]: %s", i, e.message)
	return e
}

func parseCommitItem(text []byte) (item commitItem, err error) {
	item.partition = -1
	fields, err := splitObject(text)
	if err != nil {
		return item, err
	}
	if item.topic, err = stringField("topic", fields["topic"]); err != nil {
		return item, err
	}
	if err := checkName("topic", item.topic, maxTopicName); err != nil {
		return item, err
	}
	if raw, ok := fields["partition"]; ok {
		n, err := intField("partition", raw, 0, 1<<31-1, false)
		if err != nil {
			return item, err
		}
		item.partition = int(n)
	}
	if raw, ok := fields["metadata"]; ok {
		if item.metadata, err = metadataField(raw); err != nil {
			return item, err
		}
	}
	return item, item.setWhere(fields)
}

func metadataField(raw json.RawMessage) (string, error) {
	if string(raw) == "null" {
		return "", nil
	}
	text, err := stringField("metadata", raw)
	if err != nil {
		return "", err
	}
	if n := utf8.RuneCountInString(text); n > maxMetadata {
		return "", &apiError{
			status: 400, code: "validation_error",
			message: fmt.Sprintf("metadata has %d characters, at most %d are allowed", n, maxMetadata),
			details: details{"field": "metadata", "max_size": maxMetadata, "actual_size": n},
		}
	}
	return text, nil
}

// setWhere takes offset or at, exactly one of them.
func (c *commitItem) setWhere(fields map[string]json.RawMessage) (err error) {
	offset, at := fields["offset"], fields["at"]
	switch {
	case (offset == nil) == (at == nil):
		return wrongType("offset", "Exactly one of 'offset' and 'at' is needed")
	case offset != nil:
		return c.setOffset(offset)
	case isInteger(at):
		c.at = string(at)
		return nil
	}
	c.at, err = stringField("at", at)
	if err == nil && c.at != "earliest" && c.at != "latest" {
		_, err = timeField("at", c.at)
	}
	return err
}

func (c *commitItem) setOffset(raw json.RawMessage) error {
	if !isInteger(raw) {
		return wrongType("offset", "Member 'offset' must be an integer")
	}
	if json.Unmarshal(raw, &c.offset) != nil || c.offset < 0 {
		return invalidOffset(details{"offset": raw}, "An offset must be from 0 to the high water mark")
	}
	return nil
}

func timeField(name, value string) (int64, error) {
	millis, ok := recordjson.ParseTime([]byte(value), time.Now().UnixMilli())
	if !ok {
		return 0, &apiError{
			status: 400, code: "validation_error", details: details{"field": name},
			message: "Member '" + name + "' must be earliest, latest, or a time: RFC 3339, epoch milliseconds, or as -15m",
		}
	}
	return millis, nil
}

func invalidOffset(d details, message string) error {
	return &apiError{status: 400, code: "invalid_offset", message: message, details: d}
}
