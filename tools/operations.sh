#!/usr/bin/env bash
# operations.sh DIR unpacks nginx, HAProxy, Caddy and Prometheus' promtool from Debian's packages: DIR/bin with the programs,
# DIR/lib with the libraries that a bare system lacks. Nothing is installed, and no service starts.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
dir=$1
"$here/debian.sh" "$dir/root" nginx haproxy caddy prometheus liblua5.3-0 libopentracing1 libopentracing-c-wrapper0
cd "$dir"
mkdir -p bin lib
mv root/usr/sbin/{nginx,haproxy} root/usr/bin/{caddy,promtool} bin/
find root -name 'lib*.so*' -exec mv {} lib/ \;
rm -r root
lacks=$(LD_LIBRARY_PATH="$PWD/lib" ldd bin/nginx bin/haproxy | grep 'not found' | sort -u) || true
[ -z "$lacks" ] || { echo "operations.sh: the system lacks: $lacks" >&2; exit 1; }
