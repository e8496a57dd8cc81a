#!/usr/bin/env bash
# bench.sh COUNT BENCHTIME PACKAGE... runs the benchmarks of the working tree beside those of the last commit, in rounds
# that alternate, and lets benchstat compare them: the drift of a machine is shared by both. A tree without changes is
# compared with the commit before. BASE names another commit; what ran is kept in .bench/.
set -euo pipefail
cd "$(dirname "$0")/.."

count=$1 time=$2
shift 2
base=${BASE:-HEAD}
if [[ -z ${BASE:-} && -z $(git status --porcelain) ]]; then
	base=HEAD~
fi
mapfile -t packages < <(go list "$@" | sed 's|^flashq/|./|')
rm -rf .bench
mkdir .bench
old=$PWD/.bench/tree
git worktree add --quiet --detach "$old" "$base"
trap 'git worktree remove --force "$old"' EXIT

# build TREE NAME makes one test binary a package, so that no round pays for compiling.
build() {
	local package
	for package in "${packages[@]}"; do
		if [[ -d $1/$package ]]; then
			(cd "$1" && go test -c -o "$OLDPWD/.bench/$2-${package//[.\/]/-}.test" "$package") >/dev/null
		fi
	done
}

# run TREE NAME runs one round: each package in its own folder, as go test does.
run() {
	local package binary
	for package in "${packages[@]}"; do
		binary=$PWD/.bench/$2-${package//[.\/]/-}.test
		if [[ -x $binary ]]; then
			echo "pkg: flashq/${package#./}"
			(cd "$1/$package" && "$binary" -test.run '^$' -test.bench . -test.benchmem -test.benchtime "$time") |
				grep -v '^pkg:'
		fi
	done >>".bench/$2.txt"
}

build "$old" old
build "$PWD" new
for round in $(seq "$count"); do
	echo "round $round/$count: $(git rev-parse --short "$base") and the working tree" >&2
	run "$old" old
	run "$PWD" new
done
go tool benchstat "$base=.bench/old.txt" "tree=.bench/new.txt"
