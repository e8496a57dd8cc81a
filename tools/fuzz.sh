#!/usr/bin/env bash
# fuzz.sh BUDGET gives every fuzz target of the module that many inputs, one target at a time.
# The budget is a count (30000x): a duration sometimes ends in a bare "context deadline exceeded" on Go 1.26.
set -euo pipefail
budget=${1:-30000x}
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# `go test -list` prints a package's targets, then a line that names the package.
targets=$(go test -list '^Fuzz' ./... | awk '/^Fuzz/ { names[n++] = $1; next }
	/^ok/ { for (i = 0; i < n; i++) print $2, names[i]; n = 0 }')
while read -r package name; do
	[ -n "$name" ] || continue
	go test -run '^$' -fuzz "^$name\$" -fuzztime "$budget" -fuzzminimizetime 5s "$package"
done <<<"$targets"
