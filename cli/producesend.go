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
	if first, second, ok := halves(p); ok && isStatus(err, http.StatusRequestEntityTooLarge) {
		if err := s.store(ctx, first); err != nil {
			return err
		}
		return s.store(ctx, second)
	}
	if s.unknown == nil && (s.repeated || !refusedWhole(err)) {
		s.unknown = &p
	}
	s.position = p.first - 1
	return hintAtPort(s.named(p, err), s.partition)
}

// orPipe names the error of who writes to a pipe that nobody reads.
func orPipe(err error) error {
	if errors.Is(err, syscall.EPIPE) {
		return errPipe
	}
	return err
}

// halves cuts a parcel between lines. Each half is a request of its own.
func halves(p parcel) (first, second parcel, ok bool) {
	middle := len(p.body) / 2
	cut := bytes.LastIndexByte(p.body[:middle], '\n') + 1
	if cut == 0 {
		cut = middle + bytes.IndexByte(p.body[middle:], '\n') + 1
	}
	if cut == len(p.body) {
		return p, p, false
	}
	lines := bytes.Count(p.body[:cut], []byte{'\n'})
	first = parcel{body: p.body[:cut], first: p.first, lines: lines, key: client.NewIdempotencyKey()}
	second = parcel{body: p.body[cut:], first: p.first + lines, lines: p.lines - lines, key: client.NewIdempotencyKey()}
	return first, second, true
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

// named says which line of the input an error is about, in place of which line of the request.
func (s *sender) named(p parcel, err error) error {
	var e *client.Error
	if !errors.As(err, &e) {
		return err
	}
	index := 0
	if n, ok := e.Details["index"].(json.Number); ok {
		i, wrong := n.Int64()
		if wrong != nil {
			return err
		}
		index = int(i)
	} else if p.lines > 1 || e.Status != http.StatusRequestEntityTooLarge {
		return err
	}
	var ofRequest int
	if _, wrong := fmt.Sscanf(e.Message, "line %d:", &ofRequest); wrong == nil {
		_, e.Message, _ = strings.Cut(e.Message, ": ")
	}
	return fmt.Errorf("%s %d: %w", s.noun, p.first+lineOf(p.body, index), err)
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
	if s.position == 0 && s.unknown == nil {
		if errors.Is(err, errInterrupted) {
			return fmt.Errorf("%w; nothing is stored", err)
		}
		return err
	}
	flags := fmt.Sprintf("--skip %d", s.position)
	doubt := ""
	if u := s.unknown; u != nil {
		flags += fmt.Sprintf(" --unanswered %d:%s", u.lines, u.key)
		doubt = fmt.Sprintf(", and nobody knows of the next %d", u.lines)
	}
	return fmt.Errorf("%w; stored up to %s %d%s; to go on: the same command and input with %s",
		err, s.noun, s.position, doubt, flags)
}
