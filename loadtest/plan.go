package loadtest

import (
	"fmt"
	"slices"
	"strconv"
	"time"

	"flashq/loadtest/drive"
	"flashq/loadtest/report"
)

// warmupShare is the part of a round's bytes that its warm-up may send: one in so many.
const warmupShare = 5

// plan is a Config and what follows from it. It does not change any more.
type plan struct {
	config Config
	cargo  cargo  // what is sent, or read
	beside cargo  // by the other side, where that is FlashQ too
	limit  int64  // requests to FlashQ in one round at most, warm-up included; zero is no limit
	name   string // of the topics that are made, without the round
}

// newPlan judges a Config and builds what will be sent; nothing is started yet.
func newPlan(c Config) (*plan, error) {
	c = c.withDefaults()
	if c.Payload != "" {
		size, err := payloadSize(c.Payload)
		if err != nil {
			return nil, err
		}
		c.Size, c.Value = size, report.Values[0]
	}
	if err := c.validate(); err != nil {
		return nil, err
	}
	g, err := newCargo(c.Load)
	if err != nil {
		return nil, err
	}
	g.direct = g.direct || c.Workload == report.Subscribe // a producer's records keep their order there
	p := &plan{config: c, cargo: g, name: "loadtest-" + strconv.FormatInt(time.Now().UnixNano(), 36)}
	if slices.Contains(report.Formats, c.Beside) {
		if p.beside, err = newCargo(plainLoad(c.Load, c.Beside)); err != nil {
			return nil, err
		}
	}
	if c.Workload != report.Consume && c.Workload != report.Noop {
		err = p.bound()
	}
	return p, err
}

// plainLoad is the same records in another format, with nothing that costs.
func plainLoad(l report.Load, format string) report.Load {
	l.Format, l.Compression, l.Encoding, l.Decode, l.Idempotent = format, "", "", false, false
	return l
}

// bound turns the bytes that may be written into requests a round.
func (p *plan) bound() error {
	largest := 0
	for _, b := range slices.Concat(p.cargo.bodies, p.beside.bodies) {
		largest = max(largest, len(b.text))
	}
	rounds := int64(p.config.Rounds)
	p.limit = p.config.MaxBytes / rounds / int64(largest)
	if p.limit < warmupShare {
		return fmt.Errorf("%w: --max-bytes %d; allowed: at least %d for %d rounds", ErrConfig, p.config.MaxBytes,
			warmupShare*rounds*int64(largest), rounds)
	}
	return nil
}

// driver makes connections to a server, as many and as patient as the Config has them.
func (p *plan) driver(to *server, source func(loop int) drive.Source) drive.Config {
	return drive.Config{Address: to.address, TLS: to.tls, PID: to.pid, Connections: p.config.Connections,
		Timeout:  p.config.Timeout,
		Portable: p.config.portable, Source: source}
}

// api is for what is no load.
func (p *plan) api(of *server) *api {
	a := newAPI(of.address, p.config.Timeout)
	a.trust(of)
	return a
}
