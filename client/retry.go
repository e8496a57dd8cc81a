package client

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

const (
	// MostRetry bounds Retry.For. It leaves room to the 10 minutes for which a broker knows a key: a try may be under way
	// for long.
	MostRetry = 5 * time.Minute

	firstPause   = 50 * time.Millisecond
	longestPause = 2 * time.Second
)

// Retry lets a produce request be sent again. Each try has the same Idempotency-Key, the first one included, so that
// the records are stored once however often it takes.
type Retry struct {
	// For is how long after the first failure another try may begin, up to MostRetry; 0: there is one try.
	For time.Duration
	// Tell is called before each wait, by the goroutine that produces; nil: nobody is told.
	Tell func(err error, wait time.Duration)
}

// NewIdempotencyKey makes a key that nobody has used: for one request, and all tries of it.
func NewIdempotencyKey() string { return rand.Text() }

func (r Retry) check() error {
	if r.For < 0 || r.For > MostRetry {
		return fmt.Errorf("client: retry for %s; allowed: 0 to %s", r.For, MostRetry)
	}
	return nil
}

// retry does a request until it is answered, can't be helped, or time is up; then the last error is the outcome.
func (c *Client) retry(ctx context.Context, r Retry, try func() error) error {
	var deadline time.Time
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		err := try()
		if err == nil || r.For == 0 || !c.mayHelp(err) {
			return err
		}
		if deadline.IsZero() {
			deadline = time.Now().Add(r.For)
		}
		wait := pause
		var refused *Error
		if errors.As(err, &refused) {
			wait = max(wait, refused.RetryAfter)
		}
		if left := time.Until(deadline); left < wait {
			return fmt.Errorf("%w (tried for %s of %s; the next time is %s away)", err,
				(r.For - left).Round(time.Millisecond), r.For, wait)
		}
		if r.Tell != nil {
			r.Tell(err, wait)
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return fmt.Errorf("%s: %w", c.base, ctx.Err())
		}
	}
}

// mayHelp tells whether a later try may do better. A server that was never reached is taken for a wrong address.
func (c *Client) mayHelp(err error) bool {
	var refused *Error
	switch {
	case errors.As(err, &refused):
		switch refused.Status { // also where something before the broker says so
		case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
			return true
		}
		return refused.Retryable
	case errors.Is(err, ErrCertificate), errors.Is(err, ErrScheme):
		return false
	case errors.Is(err, ErrUnreachable):
		return c.reached.Load()
	}
	return false
}

// wholeBody holds a body that is to be sent more than once.
func wholeBody(body io.Reader) ([]byte, error) {
	if sized, ok := body.(*bytes.Reader); ok { // which never fails
		all := make([]byte, sized.Len())
		_, _ = io.ReadFull(sized, all)
		return all, nil
	}
	all, err := io.ReadAll(body)
	if err != nil {
		return nil, &sourceError{err}
	}
	return all, nil
}
