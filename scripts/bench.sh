#!/usr/bin/env bash
# Reports the numbers of design §8 that are about the whole program. Nothing is
# asserted: the machine is noisy, read medians and ratios of one run.
#   scripts/bench.sh           start-up, one turn, memory, size, packages
#   scripts/bench.sh --peers   also `codex exec` on the same turn, in the same run
#   scripts/bench.sh --long    also 500 turns over a small window: time a turn, memory
#   scripts/bench.sh --sandbox also `kode sandbox` beside a plain spawn, bubblewrap and codex
#   scripts/bench.sh --screen  also the screens: 5,000 touched files, a diff of 200,000 lines
#   scripts/bench.sh --edits   also edits of 5,000 lines, a rewrite over 1,000 files beside ast-grep
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
repository=$PWD
cd "$work/project"
# The home changes for kode alone: cargo keeps its own.
export RUSTUP_HOME="${RUSTUP_HOME:-$HOME/.rustup}" CARGO_HOME="${CARGO_HOME:-$HOME/.cargo}"
export HOME="$work/home"
run="$kode run --json --model gpt-4o --base-url http://127.0.0.1:$port/v1 'what is this project?'"
median 'kode run, one turn' "$run"
memory() { # name, command: peak resident memory in MB
  eval "/usr/bin/time -f '%M' -o $work/memory $2" >/dev/null 2>&1 </dev/null
  printf '%-20s %s MB resident at the most\n' "$1" "$(($(tail -n 1 "$work/memory") / 1000))"
}
memory 'kode run, one turn' "$run"

peers() {
  npm install --silent --no-audit --no-fund --prefix "$repository/target/tools" @openai/codex
  mkdir -p "$work/codex"
  cat >"$work/codex/config.toml" <<TOML
model = "gpt-4o"
model_provider = "mock"
[model_providers.mock]
name = "mock"
base_url = "http://127.0.0.1:$port/v1"
wire_api = "responses"
TOML
  export CODEX_HOME="$work/codex" OPENAI_API_KEY=none
  local codex="$repository/target/tools/node_modules/.bin/codex exec --skip-git-repo-check 'what is this project?'"
  median 'codex exec, one turn' "$codex"
  memory 'codex exec, one turn' "$codex"
}

long() {
  python3 - >"$work/long.yaml" <<'PY'
print("context_window: 12000\nturns:")
for turn in range(1, 501):
    print(f"  - text: Reading part {turn}.\n    calls:\n      - tool: read_file\n"
          f"        args: {{path: long.txt, offset: {turn}, limit: 40}}")
print("  - cases:\n      - when: {anywhere: the code word is heron}\n        text: heron\n"
      "      - text: forgotten")
PY
  seq -f 'line %.0f with some words to fill the window' 1 600 >long.txt
  /usr/bin/time -f '%M' -o "$work/memory" "$kode" run --json --max-iter 600 \
    --script "$work/long.yaml" 'read it all; the code word is heron' |
    python3 -c '
import json, sys, time
starts, last = [], None
for line in sys.stdin:
    event = json.loads(line)
    if event["type"] == "turn_started":
        starts.append(time.perf_counter())
    if event["type"] == "run_finished":
        last = event["summary"]
gaps = [(b - a) * 1e3 for a, b in zip(starts, starts[1:])]
for begin in range(0, len(gaps), 50):
    part = sorted(gaps[begin:begin + 50])
    median = part[len(part) // 2]
    print("turns %3d-%3d  median %5.1f ms  %s" % (begin + 1, begin + len(part), median, "#" * round(median * 4)))
print("final answer:", last)'
  printf 'memory               %s MB at the most\n' "$(($(tail -n 1 "$work/memory") / 1000))"
}

# One start of each in turn, so that all meet the same noise.
sandbox() {
  need bwrap bubblewrap
  npm install --silent --no-audit --no-fund --prefix "$repository/target/tools" @openai/codex
  # codex refuses a home below the temporary folder.
  mkdir -p "$repository/target/tools/codex-home"
  CODEX_HOME="$repository/target/tools/codex-home" KODE="$kode" \
    CODEX=$(echo "$repository"/target/tools/node_modules/@openai/codex-linux-*/vendor/*/bin/codex) \
    python3 - <<'PY'
import os, statistics, time
project, null = os.getcwd(), os.open("/dev/null", os.O_RDWR)
bwrap = f"""/usr/bin/bwrap --unshare-all --die-with-parent --new-session --ro-bind /usr /usr
    --symlink usr/bin /bin --symlink usr/lib /lib --symlink usr/lib64 /lib64 --proc /proc --dev /dev
    --tmpfs /tmp --tmpfs {os.environ["HOME"]} --bind {project} {project} --chdir {project} /bin/true"""
commands = {
    "plain": ["/bin/true"],
    "kode": [os.environ["KODE"], "sandbox", "--", "/bin/true"],
    "bubblewrap": bwrap.split(),
    "codex": [os.environ["CODEX"], "sandbox", "/bin/true"],
}
times = {name: [] for name in commands}
streams = [(os.POSIX_SPAWN_DUP2, null, number) for number in range(3)]
for turn in range(205):
    for name, arguments in commands.items():
        start = time.perf_counter()
        process = os.posix_spawn(arguments[0], arguments, os.environ, file_actions=streams)
        status = os.waitpid(process, 0)[1]
        elapsed = (time.perf_counter() - start) * 1e3
        if status != 0:
            raise SystemExit(f"{name} failed: {status}")
        if turn >= 5:
            times[name].append(elapsed)
plain = statistics.median(times["plain"])
for name, values in times.items():
    median, p90 = statistics.median(values), sorted(values)[len(values) * 9 // 10]
    print(f"{name:12} median {median:6.2f} ms  p90 {p90:6.2f} ms  above plain {median - plain:6.2f} ms")
print(f"kode is {statistics.median(times['kode']) / statistics.median(times['bubblewrap']):.2f} times bubblewrap")
PY
}

screen() {
  mkdir -p "$work/screen"
  python3 "$repository/scripts/screen.py" "$kode" "$work/screen"
  echo '-- frames, without a terminal'
  (cd "$repository" && cargo test --release --locked --quiet -p kode-tui speed -- --ignored --nocapture |
    grep ' ms ')
}

edits() {
  [ -x "$repository/target/tools/ast-grep/bin/ast-grep" ] || {
    python3 -m venv "$repository/target/tools/ast-grep"
    "$repository/target/tools/ast-grep/bin/pip" install --quiet ast-grep-cli
  }
  mkdir -p "$work/edits"
  python3 "$repository/scripts/edits.py" "$kode" \
    "$repository/target/tools/ast-grep/bin/ast-grep" "$work/edits"
  echo '-- in process'
  (cd "$repository" && cargo bench --locked --quiet -p kode-edit --bench edit 2>/dev/null |
    grep -E 'time:|lines')
}

cold() {
  cd "$repository"
  local start
  start=$(date +%s)
  CARGO_TARGET_DIR="$work/target" cargo build --locked --quiet --package kode
  printf 'cold build           %s s\n' "$(($(date +%s) - start))"
}

for extra in "$@"; do
  echo "== ${extra#--}"
  case $extra in
    --peers) peers ;;
    --long) long ;;
    --sandbox) sandbox ;;
    --screen) screen ;;
    --edits) edits ;;
    --cold) cold ;;
    *) echo "unknown: $extra" >&2; exit 2 ;;
  esac
done
