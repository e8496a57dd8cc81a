#!/usr/bin/env bash
# chromium.sh DIR unpacks Chromium from Debian's packages, with what of them the system lacks: DIR/chromium runs it.
# Nothing is installed; `apt-get update` runs, and needs root, only where apt has no list of packages yet.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
dir=$1

fail() {
  echo "chromium.sh: $*" >&2
  exit 1
}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)

if system=$(command -v chromium); then # nothing to unpack
  printf '#!/bin/sh\nexec %q "$@"\n' "$system" >"$dir/chromium"
  chmod +x "$dir/chromium"
  exit
fi
command -v apt-get >/dev/null || fail "needs apt-get"

# What an installation would fetch, without one.
missing() { apt-get install -s --no-install-recommends chromium | sed -n 's/^Inst \([^ ]*\) .*/\1/p'; }
names=$(missing) || { apt-get update -q && names=$(missing); } || fail "could not find chromium"
# shellcheck disable=SC2086 # a list of names
"$here/debian.sh" "$dir/root" $names

cat >"$dir/chromium" <<'RUN'
#!/usr/bin/env bash
# The libraries stand where Debian puts them, under a root of their own.
root=$(cd "$(dirname "$0")" && pwd)/root
libs=$(find "$root/usr/lib" "$root/lib" -name '*.so*' -printf '%h\n' 2>/dev/null | sort -u | paste -sd:)
export LD_LIBRARY_PATH=$libs${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
exec "$root/usr/lib/chromium/chromium" "$@"
RUN
chmod +x "$dir/chromium"
"$dir/chromium" --version --no-sandbox >/dev/null || fail "it does not run here"
