#!/usr/bin/env bash
# openapi.sh BROKER PYTHON GO SECONDS holds a broker of its own against the document that it serves: schemathesis asks it
# for so long, and a client that oapi-codegen makes of the document sends a record and reads it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/openapi"
broker=$1 python=$2 go=$3 seconds=$4

work=$(mktemp -d)
touch "$work/log"
# Topics and groups come by PUT alone: of one that was deleted schemathesis wants to see nothing again.
"$broker" --listen 127.0.0.1:0 --auto-create=false --memory-bytes 64MiB --max-topics 5000 --max-groups 5000 2>"$work/log" &
pid=$!
trap 'kill $pid 2>/dev/null || true; wait $pid 2>/dev/null || true; rm -rf "$work"' EXIT
for _ in {1..100}; do
  url=http://$(sed -n 's/.*flashq is listening.* addr=\([^ ]*\) .*/\1/p' "$work/log" | head -1)
  if [ "$url" != http:// ]; then break; fi
  sleep 0.1
done
curl -fsS -X PUT -o /dev/null "$url/topics/news" -o /dev/null "$url/groups/billing"
curl -fsS "$url/openapi.json" -o "$work/openapi.json"

mkdir -p client
"$go" tool oapi-codegen -package client -generate types,client -o client/client.gen.go "$work/openapi.json"
"$go" vet ./...
FLASHQ_URL=$url "$go" test -count=1 ./...

cd schemathesis
PYTHONDONTWRITEBYTECODE=1 "$python" -m schemathesis.cli --config-file schemathesis.toml run "$url/openapi.json" \
  --checks all --max-time "$seconds" --no-color
