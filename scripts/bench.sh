#!/usr/bin/env bash
# Reports the numbers of design §8 that are about the whole program. Nothing is
# asserted: the machine is noisy, read medians and ratios of one run.
#   scripts/bench.sh           start-up, one turn, memory, size, packages
#   scripts/bench.sh --cold    also the cold development build (minutes)
set -euo pipefail
cd "$(dirname "$0")/.."

need() { # command, Debian package
  command -v "$1" >/dev/null || apt-get install -y -qq "$2" >/dev/null
}
need hyperfine hyperfine
[ -x /usr/bin/time ] || apt-get install -y -qq time >/dev/null
scripts/setup-tests.sh >/dev/null

echo '== release build'
cargo build --release --locked --quiet --package kode
kode=$PWD/target/release/kode
printf 'binary size          %s MB (limit 40)\n' "$(($(stat -c %s "$kode") / 1000000))"
printf 'packages in the lock %s, in the program %s\n' \
  "$(grep -c '^name = ' Cargo.lock)" \
  "$(cargo tree --package kode --edges normal --prefix none --locked | sort -u | wc -l)"

work=$(mktemp -d)
server=
trap 'if [ -n "$server" ]; then kill "$server" 2>/dev/null; fi; rm -rf "$work"' EXIT
mkdir -p "$work/project/.git" "$work/home"

median() { # name, command: median and range in ms, the command run without a shell
  hyperfine --shell=none --warmup 5 --runs 40 --export-json "$work/result.json" "$2" >/dev/null 2>&1
  python3 - "$1" "$work/result.json" <<'PY'
import json, sys
result = json.load(open(sys.argv[2]))["results"][0]
print("%-20s median %.1f ms (min %.1f, max %.1f)" %
      (sys.argv[1], result["median"] * 1e3, result["min"] * 1e3, result["max"] * 1e3))
PY
}

echo '== start'
median 'plain /bin/true' /bin/true
median 'kode --version' "$kode --version"

echo '== one turn against llmock (text only, through the completion gate)'
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
target/tools/node_modules/.bin/llmock -p "$port" -f crates/kode/fixtures/llmock/text-only >/dev/null 2>&1 &
server=$!
for _ in $(seq 100); do (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break; sleep 0.05; done
body='{"model":"gpt-4o","stream":true,"messages":[{"role":"user","content":"what is this project?"}]}'
printf '%s' "$body" >"$work/body.json"
median 'the server alone' "curl -s -o /dev/null -H content-type:application/json -d @$work/body.json http://127.0.0.1:$port/v1/chat/completions"
cd "$work/project"
export HOME="$work/home"
run="$kode run --json --model gpt-4o --base-url http://127.0.0.1:$port/v1 'what is this project?'"
median 'kode run, one turn' "$run"
eval "/usr/bin/time -f '%M' -o $work/memory $run" >/dev/null
printf 'resident memory      %s MB at the most (limit 60)\n' "$(($(cat "$work/memory") / 1000))"

if [ "${1:-}" = --cold ]; then
  cd "$OLDPWD"
  echo '== cold development build'
  start=$(date +%s)
  CARGO_TARGET_DIR="$work/target" cargo build --locked --quiet --package kode
  printf 'cold build           %s s\n' "$(($(date +%s) - start))"
fi
