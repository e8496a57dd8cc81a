// Package metrics owns what the broker counts of itself: counters, histograms, rates and quantiles, and the page on
// which Prometheus reads them. It knows no HTTP, and imports nothing of this module.
package metrics
