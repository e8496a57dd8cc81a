#!/usr/bin/env bash
# profile.sh DIR BENCHTIME PACKAGE... runs each package's benchmarks once for CPU, allocations and blocking, keeps the
# profiles in DIR, and prints what stands at the top of each.
set -euo pipefail

dir=$1 time=$2
shift 2
mkdir -p "$dir"
for package in $(go list "$@"); do
	name=${package#flashq/}
	name=${name//\//-}
	out=$dir/$name
	# Without a benchmark there is nothing to profile.
	list=$(go test -list '^Benchmark' "$package")
	if [[ $list != Benchmark* ]]; then
		continue
	fi
	echo "== $package"
	go test -run '^$' -bench . -benchmem -benchtime "$time" -o "$out.test" \
		-cpuprofile "$out.cpu" -memprofile "$out.mem" -memprofilerate 4096 -blockprofile "$out.block" "$package"
	for look in "cpu:$out.cpu" "allocations:-sample_index=alloc_space $out.mem" "block:$out.block"; do
		echo "-- ${look%%:*}"
		# shellcheck disable=SC2086 # options and a file
		go tool pprof -top -nodecount=12 "$out.test" ${look#*:} 2>/dev/null | sed '1,/flat%/{/flat%/!d}'
	done
done
echo "profiles are in $dir; look closer with: go tool pprof -http=: $dir/<package>.test $dir/<package>.cpu"
