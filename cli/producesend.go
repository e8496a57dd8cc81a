package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"flashq/client"
)

// between is the least time from one small request to the next: lines that come in it go together. A request that is
// full does not wait.
const between = 20 * time.Millisecond

// sender stores parcels, one after the other: so their order holds, and what is stored is always a first part of the
// input.
type sender struct {
	cmd       *cobra.Command
	client    *client.Client
	topic     string
	tally     *tally
	feed      *feed
	options   client.ProduceOptions
	partition int
	noun      string // of what is counted: lines, or values

	position int     // the number of the last line that is stored for sure
	unknown  *parcel // what was sent after that and may be stored; nil: nothing
	wrong    int     // the number of a line that can't be stored; 0: none
	repeated bool    // the request has been sent before, and its answer is not known
}

// run stores all that is fed. A signal ends that; the request under way has a moment to be answered.
func (s *sender) run(ctx context.Context) error {
	patient, cancel := outlive(ctx)
	defer cancel()
	tell := tellAgain(s.cmd)
	s.options.Retry.Tell = func(err error, wait time.Duration) {
		s.repeated = true
		tell(err, wait)
	}
	for p := range s.feed.out {
		began := time.Now()
		if err := s.store(patient, p); err != nil {
			if ctx.Err() != nil {
				err = errInterrupted
			}
			return s.howFar(err)
		}
		if len(p.body) < fullParcel {
			idle(ctx, between-time.Since(began))
		}
	}
	switch f := s.feed; {
	case f.err != nil:
		s.wrong = f.wrong
		return s.howFar(&inputError{f.err})
	case !f.whole:
		return s.howFar(errInterrupted)
	case s.tally.stored == 0 && f.skip > 0:
		s.cmd.PrintErrf("flashq: nothing to store: there are %d %ss, and --skip %d\n", f.line, s.noun, f.skip)
	case s.tally.stored == 0:
		s.cmd.PrintErrln("flashq: nothing to store: the input is empty")
	}
	return nil
}

// store sends one parcel until it is answered. Where it is larger than the broker takes, it goes in parts.
func (s *sender) store(ctx context.Context, p parcel) error {
	s.repeated = false
	o := s.options
	o.IdempotencyKey = p.key
	done, err := s.client.ProduceBody(ctx, s.topic, "application/x-ndjson", bytes.NewReader(p.body), o)
	if err == nil {
		s.position, s.unknown = p.first+p.lines-1, nil
		return orPipe(s.tally.add(s.cmd.OutOrStdout(), done))
	}
	known := !s.repeated && refusedWhole(err)
	if line, ok := wrongLine(p, err); ok && known && line > 0 {
		s.unknown = nil
		good, _ := p.cut(line) // what stands before it has done nothing wrong
		if err := s.store(ctx, good); err != nil {
			return err
		}
	} else if lines := p.lines / 2; known && lines > 0 && isStatus(err, http.StatusRequestEntityTooLarge) {
		s.unknown = nil // an earlier run was told the same, if that did not get lost
		first, second := p.cut(lines)
		if err := s.store(ctx, first); err != nil {
			return err
		}
		return s.store(ctx, second)
	} else {
		s.position = p.first - 1
		if s.unknown == nil && !known {
			s.unknown = &p
		}
	}
	return hintAtPort(s.cmd, s.named(p, err), s.partition)
}

// orPipe names the error of who writes to a pipe that nobody reads.
func orPipe(err error) error {
	if errors.Is(err, syscall.EPIPE) {
		return errPipe
	}
	return err
}

// cut gives the first lines of a parcel and the others, each to be a request of its own.
func (p *parcel) cut(lines int) (first, second parcel) {
	at := 0
	for range lines {
		at += bytes.IndexByte(p.body[at:], '\n') + 1
	}
	first = parcel{body: p.body[:at], first: p.first, lines: lines, key: client.NewIdempotencyKey()}
	second = parcel{body: p.body[at:], first: p.first + lines, lines: p.lines - lines, key: client.NewIdempotencyKey()}
	return first, second
}

func isStatus(err error, status int) bool {
	var e *client.Error
	return errors.As(err, &e) && e.Status == status
}

// refusedWhole tells whether a request that was tried once has certainly stored nothing.
func refusedWhole(err error) bool {
	var e *client.Error
	var dial *net.OpError
	switch {
	case errors.As(err, &e):
		return e.Status >= 400 && e.Status < 500 && e.Status != http.StatusRequestTimeout && e.Code != "idempotency_in_flight"
	case errors.Is(err, client.ErrCertificate), errors.Is(err, client.ErrScheme), errors.Is(err, client.ErrName):
		return true
	}
	return errors.As(err, &dial) && dial.Op == "dial"
}

// wrongLine is which line of a parcel, counted from 0, an error is about.
func wrongLine(p parcel, err error) (line int, ok bool) {
	var e *client.Error
	if !errors.As(err, &e) {
		return 0, false
	}
	if n, isNumber := e.Details["index"].(json.Number); isNumber {
		index, wrong := n.Int64()
		return lineOf(p.body, int(index)), wrong == nil
	}
	return 0, p.lines == 1 && e.Status == http.StatusRequestEntityTooLarge
}

// named says which line of the input an error is about, in place of which line of the request.
func (s *sender) named(p parcel, err error) error {
	line, ok := wrongLine(p, err)
	if !ok {
		return err
	}
	var e *client.Error
	var ofRequest int
	if errors.As(err, &e) {
		if _, wrong := fmt.Sscanf(e.Message, "line %d:", &ofRequest); wrong == nil {
			_, e.Message, _ = strings.Cut(e.Message, ": ")
		}
	}
	s.wrong = p.first + line
	return fmt.Errorf("%s %d: %w", s.noun, s.wrong, err)
}

// lineOf is where record number index stands, counted from 0: blank lines are no records.
func lineOf(body []byte, index int) (line int) {
	for text := range bytes.Lines(body) {
		if len(bytes.TrimSpace(text)) > 0 {
			if index == 0 {
				return line
			}
			index--
		}
		line++
	}
	return line
}

// howFar adds to an error what is stored, and what to type to go on.
func (s *sender) howFar(err error) error {
	without := ""
	if s.wrong > 0 {
		without = fmt.Sprintf("; to leave that %s out: --skip %d", s.noun, s.wrong)
	}
	if s.position == 0 && s.unknown == nil {
		return fmt.Errorf("%w; nothing is stored%s", err, without)
	}
	flags := fmt.Sprintf("--skip %d", s.position)
	doubt := ""
	if u := s.unknown; u != nil {
		flags += fmt.Sprintf(" --unanswered %d:%s", u.lines, u.key)
		doubt = fmt.Sprintf(", and nobody knows of the next %d", u.lines)
	}
	return &namedError{fmt.Errorf("%w; stored up to %s %d%s; to go on: the same command and input with %s%s",
		named(err), s.noun, s.position, doubt, flags, without)}
}
