#!/usr/bin/env bash
# backup.sh DATA-DIR BACKUP-DIR copies the data folder of a broker, which may run meanwhile. BACKUP-DIR must not exist.
# Sealed segments, which nobody writes to again, become hard links where both folders are on one file system.
#
# The order is what makes it a copy of one moment: what exists first, then what groups committed, then the records, so that no
# commit is ahead of them. Where the last segment of a partition is cut off within a write, the next start drops that.
set -euo pipefail
shopt -s nullglob
[ $# -eq 2 ] || {
  echo 'usage: backup.sh DATA-DIR BACKUP-DIR' >&2
  exit 2
}
data=${1%/} backup=${2%/}
part=$backup.part

fail() {
  echo "backup.sh: $*" >&2
  exit 1
}
[ -e "$data/flashq.version" ] || fail "$data is no data folder"
[ ! -e "$backup" ] || fail "$backup exists"

# like_folder FROM INTO makes a folder with the mode and owner of another, so that who runs the broker may start on the copy.
like_folder() {
  mkdir -p "$2"
  chmod --reference="$1" "$2"
  chown --reference="$1" "$2" 2>/dev/null || [ "$(id -u)" != 0 ] # only root may give folders away
}

# copy_log FOLDER copies a log as it is now. It fails where a file goes away meanwhile.
copy_log() {
  local from=$data/$1 into=$part/$1 last base file sealed=() others=() caches=()
  local logs=("$from"/*.log)
  [ ${#logs[@]} -gt 0 ] || return 1
  last=${logs[-1]##*/} last=${last%.log}
  for file in "$from"/*; do
    base=${file##*/} base=${base%%.*}
    case $file in
      *.log) if [[ $base < $last ]]; then sealed+=("$file"); fi ;;
      *.index | *.timeindex) if [[ $base < $last ]]; then caches+=("$file"); fi ;;
      *.snapshot | *.keys | *.keynotes) if [[ ! $base > $last ]]; then caches+=("$file"); fi ;;
      */leader-epoch-checkpoint | */partition.metadata) others+=("$file") ;;
    esac
  done
  like_folder "$from" "$into" || return 1
  if [ ${#sealed[@]} -gt 0 ]; then
    printf '%s\0' "${sealed[@]}" | xargs -0 cp -pl -t "$into" ||
      printf '%s\0' "${sealed[@]}" | xargs -0 cp -p -t "$into" || return 1
  fi
  printf '%s\0' "$from/$last.log" "${others[@]}" | xargs -0 cp -p -t "$into" || return 1
  # A roll takes the caches of the segment before it away; what is missing is made anew from the records.
  printf '%s\0' "${caches[@]}" | xargs -0 -r cp -p -t "$into" || true
  if [ -e "$from/segments.checkpoint" ]; then
    awk -v last="$last" '$1 + 0 < last + 0' "$from/segments.checkpoint" >"$into/segments.checkpoint"
  fi
}

# again tries to copy a log a few times: retention, and compaction of the broker's own logs, take files away.
again() {
  for _ in 1 2 3 4 5; do
    copy_log "$1" 2>/dev/null && return
    rm -rf "${part:?}/$1"
  done
  return 1
}

# topics is what the log of them says now, as far as a listing tells: it only grows, or begins anew.
topics() { ls -l "$data/__flashq_meta-0"; }

copy_all() {
  rm -rf "$part"
  like_folder "$data" "$part"
  cp -p "$data/flashq.version" "$part"
  echo 'a backup' >"$part/flashq.boot" # another boot: offsets and generations of the life that goes on are not used again
  again __flashq_meta-0 || return 1
  for dir in "$data"/__consumer_offsets-*; do again "${dir##*/}" || return 1; done
  if [ -e "$data/log-start-offset-checkpoint" ]; then cp -p "$data/log-start-offset-checkpoint" "$part"; fi
  for dir in "$data"/*-*/; do
    dir=${dir%/} dir=${dir##*/}
    case $dir in
      __* | *-delete) ;;
      *) again "$dir" || return 1 ;;
    esac
  done
}

for _ in 1 2 3 4 5; do
  before=$(topics)
  if copy_all && [ "$before" = "$(topics)" ]; then
    sync
    mv "$part" "$backup"
    echo "$backup"
    exit
  fi
done
rm -rf "$part"
fail "topics were made, changed or deleted at each of five tries"
