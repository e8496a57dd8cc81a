// Package operations shows that what docs/operations has works with the programs that it is for, from Debian's packages:
// reverse proxies, and Prometheus' rules. `make operations` unpacks them; without FLASHQ_OPERATIONS, the folder of that,
// the package runs nothing.
package operations
