#!/usr/bin/env bash
# debian.sh DIR PACKAGE... unpacks Debian's packages into DIR, and nothing of what they depend on. Nothing is installed;
# `apt-get update` runs, and needs root, only where apt has no list of packages yet.
set -euo pipefail
dir=$1
shift

fail() {
  echo "debian.sh: $*" >&2
  exit 1
}
for program in apt-get dpkg-deb; do
  command -v "$program" >/dev/null || fail "needs $program"
done

mkdir -p "$dir/packages"
cd "$dir/packages"
# apt drops root where it can, and says so where its user can't write here.
fetch() { apt-get download -q -o APT::Sandbox::User=root "$@"; }
fetch "$@" || { apt-get update -q && fetch "$@"; } || fail "could not get $*"
for package in *.deb; do dpkg-deb -x "$package" ..; done
rm -r "$PWD"
