#!/usr/bin/env bash
# redis.sh DIR unpacks Redis from Debian's packages: DIR/bin with redis-server and redis-benchmark, DIR/lib with the
# libraries that a bare system lacks. Nothing is installed; `apt-get update` runs, and needs root, only where apt has no
# list of packages yet.
set -euo pipefail
dir=$1
packages=(redis-server redis-tools libjemalloc2 liblzf1 libatomic1)

fail() {
  echo "redis.sh: $*" >&2
  exit 1
}
for program in apt-get dpkg-deb; do
  command -v "$program" >/dev/null || fail "needs $program"
done

mkdir -p "$dir/packages" "$dir/bin" "$dir/lib"
cd "$dir/packages"
# apt drops root where it can, and says so where its user can't write here.
fetch() { apt-get download -q -o APT::Sandbox::User=root "${packages[@]}"; }
fetch || { apt-get update -q && fetch; } || fail "could not get ${packages[*]}"
for package in *.deb; do dpkg-deb -x "$package" root; done
cp -P root/usr/bin/redis-* ../bin/
find root -name '*.so.*' -exec cp -P {} ../lib/ \;
cd ../..
rm -r "$dir/packages"
lacks=$(LD_LIBRARY_PATH="$dir/lib" ldd "$dir/bin/redis-server" "$dir/bin/redis-benchmark" | grep 'not found' | sort -u) || true
[ -z "$lacks" ] || fail "the system lacks: $lacks"
