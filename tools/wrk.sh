#!/usr/bin/env bash
# Our load generator beside wrk, in rounds that alternate, against one and the same bare HTTP server: requests a second,
# and CPU time of client and server for each request. Needs wrk and jq; no test runs it.
#   tools/wrk.sh [ROUNDS] [SECONDS]
set -euo pipefail
cd "$(dirname "$0")/.."
rounds=${1:-5}
seconds=${2:-3}
folder=$(mktemp -d)
mkfifo "$folder/stdin"
bin/flashq loadtest noop-server --listen 127.0.0.1:0 <"$folder/stdin" >"$folder/address" &
server=$!
exec 9>"$folder/stdin" # the server ends with it
trap 'exec 9>&-; wait "$server"; rm -r "$folder"' EXIT
until [ -s "$folder/address" ]; do sleep 0.05; done
url=http://$(cat "$folder/address")

cat >"$folder/post.lua" <<'LUA'
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"records":[{"value":"' .. string.rep("a", 100) .. '"}]}'
LUA

# ticks is the CPU time of the server, in hundredths of a second.
ticks() { awk '{ print $14 + $15 }' "/proc/$server/stat"; }

# by_wrk THREADS prints requests/s, then client and server CPU in microseconds a request.
by_wrk() {
	local before=$(ticks) TIMEFORMAT='%U %S'
	{ time wrk "-t$1" -c32 "-d${seconds}s" -s "$folder/post.lua" "$url/topics/a/records" >"$folder/wrk"; } 2>"$folder/time"
	awk -v server=$(($(ticks) - before)) -v cpu="$(cat "$folder/time")" '
		/requests in/ { n = $1 } /Requests\/sec/ { rate = $2 }
		END { split(cpu, used, " "); printf "%.0f %.2f %.2f\n", rate, (used[1] + used[2]) * 1e6 / n, server * 1e4 / n }
	' "$folder/wrk"
}

by_us() {
	bin/flashq loadtest produce -s "$url" --server-pid "$server" --no-noop --repeat 1 --warmup 0 --duration "${seconds}s" \
		-c 32 -o json 2>/dev/null | jq -r '.sides[0] | [.requests_per_second, .client_cpu_us_per_request,
			.server_cpu_us_per_request] | map(. * 100 | round / 100 | tostring) | join(" ")'
}

for _ in $(seq "$rounds"); do
	echo "wrk-1-thread $(by_wrk 1)"
	echo "wrk-2-threads $(by_wrk 2)"
	echo "flashq $(by_us)"
done | tee "$folder/all"
echo "medians: requests/s, client CPU us, server CPU us"
for who in wrk-1-thread wrk-2-threads flashq; do
	printf '%-14s' "$who"
	for column in 2 3 4; do
		awk -v who="$who" -v c="$column" '$1 == who { print $c }' "$folder/all" | sort -g |
			awk '{ v[NR] = $1 } END { printf "%10s", v[int((NR + 1) / 2)] }'
	done
	echo
done
