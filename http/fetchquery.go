package http

import (
	"time"

	"github.com/valyala/fasthttp"
)

// startKind is where a fetch begins in each partition.
type startKind int

const (
	startEarliest startKind = iota
	startLatest
	startOffset   // at offset
	startLast     // offset records before the end
	startTime     // the first record that is not older than time
	startPosition // at the marks
)

// fetchQuery is what a fetch asks for, checked.
type fetchQuery struct {
	start      startKind
	selector   string // the parameter that said start, "" for the default
	offset     int64
	time       int64 // milliseconds
	marks      []mark
	partitions []int // nil: all
	until      int64 // milliseconds, exclusive
	hasUntil   bool

	group         string
	member        string // "": none
	sessionMs     int    // 0: not given
	ack           []mark // nil: none
	ackGeneration int64
	unnamedLatest bool // startPosition: a partition without a mark begins at the end, not at the beginning

	maxRecords, maxBytes, minBytes int
	timeout                        time.Duration
	base64, noHeaders              bool
}

var fetchParams = []string{
	"from_offset", "from_time", "position", "to_time", "partition", "max_records", "max_bytes", "timeout_ms", "min_bytes",
	"follow", "encoding", "include_headers", "ack", "group", "member", "session_ms",
}

// aliasFetchParams are those where the path names the group.
var aliasFetchParams = fetchParams[:len(fetchParams)-3]

func parseFetchQuery(ctx *fasthttp.RequestCtx, params []string) (fetchQuery, error) {
	q := fetchQuery{maxRecords: defaultFetchRecords, maxBytes: defaultFetchBytes, minBytes: 1}
	now := time.Now().UnixMilli()
	err := eachParam(ctx, params, func(name string, value []byte) error {
		switch name {
		case "from_offset", "from_time", "position":
			return q.setStart(name, value, now)
		default:
			return q.set(name, value, now)
		}
	})
	if err == nil && q.minBytes > q.maxBytes {
		err = badParam("min_bytes", "must not be larger than max_bytes")
	}
	if ctx.IsHead() {
		q.timeout, q.ack = 0, nil // HEAD never waits and never acks
	}
	return q, err
}

// set takes a parameter that is no start.
func (q *fetchQuery) set(name string, value []byte, now int64) (err error) {
	switch name {
	case "to_time":
		q.hasUntil = true
		q.until, err = timeParam(name, value, now)
	case "partition":
		q.partitions, err = partitionsParam(name, value)
	case "max_records":
		q.maxRecords, err = intParam(name, value, 1, maxFetchRecords)
	case "max_bytes":
		q.maxBytes, err = intParam(name, value, 1, maxFetchBytes)
	case "min_bytes":
		q.minBytes, err = intParam(name, value, 1, maxFetchBytes)
	case "timeout_ms":
		millis := 0
		millis, err = intParam(name, value, 0, maxFetchTimeoutMs)
		q.timeout = time.Duration(millis) * time.Millisecond
	case "follow":
		follow := false
		if follow, err = boolParam(name, value); follow {
			err = badParam(name, "is not served yet; poll with timeout_ms instead")
		}
	case "encoding":
		q.base64 = string(value) == "base64"
		if !q.base64 && string(value) != "text" {
			err = badParam(name, "must be text or base64")
		}
	case "include_headers":
		var with bool
		with, err = boolParam(name, value)
		q.noHeaders = !with
	default:
		err = q.setGroup(name, value)
	}
	return err
}

// setGroup takes a parameter of the group axis.
func (q *fetchQuery) setGroup(name string, value []byte) (err error) {
	switch name {
	case "group":
		q.group = string(value)
		err = checkName(name, q.group, maxGroupName)
	case "ack":
		ok := false
		if q.ackGeneration, q.ack, ok = parseToken(value); !ok {
			err = badParam(name, "must be a position as an answer gave it: 0:15,2:7, or g7;0:15,2:7 for a member")
		}
	case "member":
		q.member = string(value)
		err = checkName(name, q.member, maxGroupName)
	case "session_ms":
		q.sessionMs, err = intParam(name, value, minSessionMs, maxSessionMs)
	}
	return err
}

// setStart takes one of the start selectors; only one may be given.
func (q *fetchQuery) setStart(name string, value []byte, now int64) (err error) {
	if q.selector != "" {
		return badParam(name, "can't stand beside '"+q.selector+"': a fetch has one start")
	}
	q.selector = name
	switch name {
	case "from_offset":
		return q.setOffset(value)
	case "from_time":
		q.start = startTime
		q.time, err = timeParam(name, value, now)
		return err
	}
	q.start = startPosition
	var ok bool
	if _, q.marks, ok = parseToken(value); !ok {
		return badParam(name, "must be partition:offset pairs as 0:15,2:7, every partition once")
	}
	return nil
}

func (q *fetchQuery) setOffset(value []byte) error {
	var ok bool
	switch string(value) {
	case "earliest":
		return nil
	case "latest":
		q.start = startLatest
		return nil
	}
	if len(value) > 0 && value[0] == '-' {
		q.start = startLast
		q.offset, ok = digits(value[1:])
		ok = ok && q.offset > 0
	} else {
		q.start = startOffset
		q.offset, ok = digits(value)
	}
	if !ok {
		return &apiError{
			status: 400, code: "invalid_offset",
			message: "from_offset " + quote(string(value)) + " must be earliest, latest, N, or -N for the last N",
			details: details{"parameter": "from_offset"},
		}
	}
	return nil
}
