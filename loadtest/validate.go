package loadtest

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"flashq/loadtest/report"
)

// validate judges a Config with its defaults filled in. Its messages name the command's flags.
func (c Config) validate() error {
	return cmp.Or(
		oneOf("format", c.Format, report.Formats),
		oneOf("value", c.Value, report.Values),
		oneOf("compression", cmp.Or(c.Compression, report.Compressions[0]), report.Compressions),
		oneOf("encoding", cmp.Or(c.Encoding, report.Encodings[0]), report.Encodings),
		oneOf("beside", c.Beside, append([]string{report.Noop}, report.Formats...)),
		oneOf("storage", c.Storage, report.Storages),
		oneOf("fsync", cmp.Or(c.Fsync, report.Syncs[0]), report.Syncs),
		between("size", int64(c.Size), 1, maxBody/2),
		between("batch", int64(c.Batch), 1, maxBatch),
		between("size times --batch", int64(c.Size)*int64(c.Batch), 1, maxBody/2),
		between("per-batch", int64(c.PerBatch), 0, int64(c.Batch)),
		between("keys", int64(c.Keys), 0, maxKeys),
		between("partitions", int64(c.Partitions), 1, 256),
		between("connections", int64(c.Connections), 1, maxConnections),
		between("consumers", int64(c.Consumers), 1, maxConnections),
		between("streams", int64(c.Streams), 1, maxStreams),
		between("repeat", int64(c.Rounds), 1, maxRounds),
		between("idle-topics", int64(c.IdleTopics), 0, 100_000),
		between("parked", int64(c.Parked), 0, maxConnections),
		atLeastZero("records", c.Records),
		atLeastZero("rate", int64(c.Rate)),
		atLeastZero("max-bytes", c.MaxBytes),
		atLeastZero("batch-bytes", c.BatchBytes),
		atLeastZero("memory-bytes", c.MemoryBytes),
		atLeastZero("retention-bytes", c.RetentionBytes),
		atLeastZero("server-pid", int64(c.ServerPID)),
		c.validateTimes(),
		c.validateFormat(),
		c.validateWorkload(),
		c.validateTarget(),
	)
}

func (c Config) validateTimes() error {
	if c.Duration < 0 || c.Warmup < 0 || c.Timeout < time.Millisecond {
		return fmt.Errorf("%w: --duration, --warmup or --timeout; allowed: such as 5s or 1m30s", ErrConfig)
	}
	return nil
}

func (c Config) validateFormat() error {
	consume := c.Workload == report.Consume
	switch {
	case c.Batch > 1 && (c.Format == "raw" || c.Beside == "raw"):
		return fmt.Errorf("%w: --batch %d with raw bodies or answers; allowed: 1, as they hold one record", ErrConfig,
			c.Batch)
	case (c.Compression != "" || c.PerBatch > 0) && c.Format != "batch" && !consume:
		return fmt.Errorf("%w: --compression or --per-batch with --format %s; allowed: with batch", ErrConfig, c.Format)
	case c.Compression != "" && c.Workload == report.EndToEnd:
		return fmt.Errorf("%w: --compression with e2e; allowed: with produce and consume, as records are numbered while "+
			"they are sent", ErrConfig)
	case c.Replay < 0 || c.Replay > 1:
		return fmt.Errorf("%w: --replay %g; allowed: a share, 0 to 1", ErrConfig, c.Replay)
	case c.Replay > 0 && !c.Idempotent:
		return fmt.Errorf("%w: --replay %g without --idempotent; allowed: both", ErrConfig, c.Replay)
	case c.Some() && c.Beside != report.Noop:
		return fmt.Errorf("%w: --beside with --idle-topics or --parked; allowed: one of them", ErrConfig)
	}
	return nil
}

func (c Config) validateWorkload() error {
	stamps := c.Workload == report.EndToEnd || c.Workload == report.Subscribe
	switch {
	case stamps && c.Size < stampSize:
		return fmt.Errorf("%w: --size %d; allowed: %d and more, as records are numbered", ErrConfig, c.Size, stampSize)
	case stamps && c.Payload != "":
		return fmt.Errorf("%w: --payload with %s; allowed: --size and --value, as records are numbered", ErrConfig,
			c.Workload)
	case c.Workload == report.Consume && c.Batch > maxFetch:
		return fmt.Errorf("%w: --batch %d; allowed: 1 to %d, what a fetch may ask for", ErrConfig, c.Batch, maxFetch)
	case c.Some() && stamps:
		return fmt.Errorf("%w: --idle-topics or --parked with %s; allowed: with produce and consume", ErrConfig, c.Workload)
	case c.Workload == report.Subscribe && c.Partitions > c.Connections:
		return fmt.Errorf("%w: --partitions %d with --connections %d; allowed: a connection for each partition at least",
			ErrConfig, c.Partitions, c.Connections)
	case c.Workload == report.Subscribe && c.Rate == 0 && c.Records > 0:
		return fmt.Errorf("%w: --records with --rate 0, which sends nothing; allowed: --duration", ErrConfig)
	case c.Workload == report.Subscribe:
		return oneOf("format", c.Answers, report.StreamFormats)
	case c.Answers != "":
		return oneOf("answers", c.Answers, report.Formats)
	}
	return nil
}

func (c Config) validateTarget() error {
	if c.Target == "" {
		if c.ServerPID != 0 {
			return fmt.Errorf("%w: --server-pid without --server; allowed: both or none", ErrConfig)
		}
		return nil
	}
	address, err := targetAddress(c.Target)
	if err == nil && c.isSecure() && c.pairs() {
		return fmt.Errorf("%w: --server %s beside a bare server, which speaks plain HTTP, would be a ratio of TLS; allowed: "+
			"with --no-noop, or --beside a format", ErrConfig, c.Target)
	}
	if err != nil || c.Mine || onLoopback(address) {
		return err
	}
	return fmt.Errorf("%w: --server %s is beyond this machine; allowed: loopback, or --i-own-this-server too",
		ErrConfig, c.Target)
}

// pairs tells whether a bare server is measured, too.
func (c Config) pairs() bool {
	measured := c.Workload == report.Produce || c.Workload == report.Consume
	return measured && !c.SkipNoop && c.Beside == report.Noop && !c.Some()
}

func (c Config) isSecure() bool { return strings.HasPrefix(c.Target, "https://") }

// secure is how TLS is spoken to the target; nil: it isn't.
func (c Config) secure(address string) *tls.Config {
	if !c.isSecure() {
		return nil
	}
	secure := c.TLS.Clone()
	if secure == nil {
		secure = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	secure.ServerName, _, _ = net.SplitHostPort(address)
	return secure
}

// targetAddress is the host:port of a base address such as http://127.0.0.1:9000, or of one that is just that.
func targetAddress(target string) (string, error) {
	base := target
	if !strings.Contains(base, "://") {
		base = "http://" + base
	}
	u, err := url.Parse(base)
	good := err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && u.User == nil &&
		(u.Path == "" || u.Path == "/") && u.RawQuery == "" && u.Fragment == ""
	if !good {
		return "", fmt.Errorf("%w: --server %q; allowed: http://host:port, https://host:port, or host:port", ErrConfig,
			target)
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port), nil
}

// onLoopback judges by the address alone: a name other than localhost may be anybody's.
func onLoopback(address string) bool {
	host, _, _ := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	return strings.EqualFold(host, "localhost") || ip != nil && ip.IsLoopback()
}

func oneOf(name, v string, allowed []string) error {
	for _, a := range allowed {
		if v == a {
			return nil
		}
	}
	return fmt.Errorf("%w: --%s %q; allowed: %s", ErrConfig, name, v, strings.Join(allowed, ", "))
}

func between(name string, v, low, high int64) error {
	if v < low || v > high {
		return fmt.Errorf("%w: --%s %d; allowed: %d to %d", ErrConfig, name, v, low, high)
	}
	return nil
}

func atLeastZero(name string, v int64) error {
	if v < 0 {
		return fmt.Errorf("%w: --%s %d; allowed: 0 and more", ErrConfig, name, v)
	}
	return nil
}
