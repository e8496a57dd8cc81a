#!/usr/bin/env bash
# redis.sh DIR unpacks Redis from Debian's packages: DIR/bin with redis-server and redis-benchmark, DIR/lib with the
# libraries that a bare system lacks. Nothing is installed.
set -euo pipefail
dir=$1
packages=(redis-server redis-tools libjemalloc2 liblzf1 libatomic1)

fail() {
  echo "redis.sh: $*" >&2
  exit 1
}
"$(dirname "$0")/debian.sh" "$dir/root" "${packages[@]}"
mkdir -p "$dir/bin" "$dir/lib"
cd "$dir"
mv root/usr/bin/redis-* bin/
find root -name '*.so.*' -exec mv {} lib/ \;
rm -r root
lacks=$(LD_LIBRARY_PATH="$PWD/lib" ldd bin/redis-server bin/redis-benchmark | grep 'not found' | sort -u) || true
[ -z "$lacks" ] || fail "the system lacks: $lacks"
