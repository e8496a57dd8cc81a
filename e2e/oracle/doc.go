// Package oracle owns what the fault tests know better than the broker: what was sent, and what of it was acknowledged.
// It judges records, topics and commits after a fault against that. A fault that it finds is counted and told, then the
// test ends.
package oracle
