#!/usr/bin/env bash
# Sees to it that the fault tests can run here: root, loop devices, and the programs that they call, which it installs
# where they are missing. It fails where something can't be had: a fault test that doesn't run shows nothing.
set -euo pipefail

fail() {
  echo "make faults: $*" >&2
  exit 1
}

[ "$(id -u)" = 0 ] || fail "needs root: it mounts file systems"
[ -e /dev/loop-control ] || fail "this kernel has no loop devices"

has() { # all of these programs
  for program; do command -v "$program" >/dev/null || return 1; done
}

missing=()
has mkfs.ext4 || missing+=(e2fsprogs)
has mount umount || missing+=(mount)
has prlimit setpriv unshare || missing+=(util-linux)
if [ ${#missing[@]} -gt 0 ]; then
  has apt-get || fail "lacks ${missing[*]}, and there is no apt-get"
  export DEBIAN_FRONTEND=noninteractive
  apt-get install -y -q "${missing[@]}" || { apt-get update -q && apt-get install -y -q "${missing[@]}"; } ||
    fail "could not install ${missing[*]}"
fi
