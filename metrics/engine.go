package metrics

import (
	"time"

	vm "github.com/VictoriaMetrics/metrics"
)

// Engine is what a storage engine counts as it goes. The zero value is not of use: see NewEngine.
type Engine struct {
	Topics Topics

	syncs, appends      *Family
	syncTime, batchSize *Histogram
}

// durations are the bounds of histograms of them, in seconds.
var durations = []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}

// NewEngine makes one.
func NewEngine() *Engine {
	e := &Engine{
		syncs: NewFamily(Desc{"flashq_fsync_duration_seconds", HistogramKind,
			"How long it took to make written records durable."}),
		appends: NewFamily(Desc{"flashq_append_batch_bytes", HistogramKind,
			"Bytes of one write to a partition: what was gathered of the requests that waited."}),
	}
	e.syncTime = e.syncs.Durations()
	e.batchSize = e.appends.Histogram(vm.ExponentialBuckets(256, 4, 9))
	return e
}

// Synced counts a sync.
func (e *Engine) Synced(took time.Duration) { e.syncTime.Update(took.Seconds()) }

// Appended counts a write.
func (e *Engine) Appended(bytes int) { e.batchSize.Update(float64(bytes)) }

// WriteTo adds what it counts to a page.
func (e *Engine) WriteTo(p *Page) {
	p.Add(e.syncs)
	p.Add(e.appends)
}
