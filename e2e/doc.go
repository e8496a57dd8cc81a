// Package e2e owns the end-to-end tests: the built binary, spoken to over plain HTTP and signals, its files looked at
// from outside. It imports nothing of the broker. FLASHQ_BIN names the binary; without it the tests build one.
// FLASHQ_KILLS sets how many rounds of kill -9 are played, FLASHQ_ROUNDS how often something befalls the consumers of a
// shared group, FLASHQ_SEED in which order.
package e2e
