#!/usr/bin/env bash
# Plants small bugs, one at a time, in the packages given, and tells of each whether the package's own tests notice it.
# Usage: tools/mutate.sh PATH-OF-GREMLINS PACKAGE...
# The reports stay in .mutants/; LIVED is a bug that nobody noticed, and efficacy the share of the others.
set -euo pipefail
gremlins=$1
shift
mkdir -p .mutants
for package in "$@"; do
	report=.mutants/$(tr / _ <<<"${package#./}").txt
	# Tests that wait for a lock or an answer hang on many bugs, so a bug may take a few times as long as none.
	"$gremlins" unleash --workers 2 --timeout-coefficient 5 "$package" >"$report" 2>&1 || {
		cat "$report"
		exit 1
	}
	printf '%s\t' "$package"
	sed -n 's/^Killed: /killed /p; s/^Timed out: /timed out /p; s/^Test efficacy: /efficacy /p' "$report" | tr '\n' '\t'
	echo
done
