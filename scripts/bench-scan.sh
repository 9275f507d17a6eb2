#!/usr/bin/env bash
# The scan's speed beside Semgrep (taint rules) and ast-grep (Rust, structural
# rules) in one run. Nothing is asserted: read medians and ratios of one run.
#   scripts/bench-scan.sh              five touched files
#   scripts/bench-scan.sh FOLDER       also a whole set of libraries, and time by lines
# Semgrep gets half an hour for the set.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v hyperfine >/dev/null || apt-get install -y -qq hyperfine >/dev/null
peers=target/tools/scan-peers
if [ ! -x "$peers/bin/semgrep" ]; then
  python3 -m venv "$peers"
  "$peers/bin/pip" install -q semgrep==1.182.0 ast-grep-cli
fi
peers=$PWD/$peers
export PATH="$peers/bin:$PATH" SEMGREP_SEND_METRICS=off SEMGREP_ENABLE_VERSION_CHECK=0
cargo build --release --locked --quiet --package kode
cargo build --release --locked --quiet --package kode-scan --example scan_paths
release=${CARGO_TARGET_DIR:-$PWD/target}/release rules=$PWD/scripts/bench-scan
kode=$release/kode scan=$release/examples/scan_paths
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HOME="$work" # no one's configuration

median() { # name, runs, command
  hyperfine --shell=none --warmup 2 --runs "$2" --ignore-failure --export-json "$work/result.json" "$3" >/dev/null 2>&1
  python3 - "$1" "$work/result.json" <<'PY'
import json, sys
result = json.load(open(sys.argv[2]))["results"][0]
print("%-34s median %8.1f ms  (min %.1f, user+system %.1f)" % (sys.argv[1], result["median"] * 1e3,
      result["min"] * 1e3, (result["user"] + result["system"]) * 1e3))
PY
}

compare() { # folder, runs of the fast, runs of the slow
  median 'kode scan' "$2" "$kode scan $1"
  median 'ast-grep scan' "$2" "ast-grep scan --rule $rules/ast-grep.yaml $1"
  median 'semgrep --config (taint)' "$3" "semgrep scan --quiet --jobs 2 --config $rules/semgrep.yaml --no-git-ignore $1"
}

mkdir "$work/five"
for file in go/sql-injection.web.go java/open-redirect.chains.java javascript/sql-injection.js \
  python/sql-injection.py javascript/cross-site-scripting.js; do
  cp "crates/kode-scan/fixtures/$file" "$work/five/"
done
mkdir -p "$work/five/.git"
echo "== five touched files ($(cat "$work"/five/*.* | wc -l) lines)"
(cd "$work/five" && compare . 30 3)

[ $# -ge 1 ] || exit 0
set=$(realpath "$1")
echo "== a set of libraries"
/usr/bin/time -f '%e s, %U s user, %M kB at the most' "$scan" "$set" >/dev/null
/usr/bin/time -f 'ast-grep: %e s, %U s user, %M kB at the most' ast-grep scan --rule "$rules/ast-grep.yaml" "$set" >/dev/null || true
/usr/bin/time -f 'semgrep: %e s, %U s user, %M kB at the most' timeout 1800 \
  semgrep scan --quiet --jobs 2 --config "$rules/semgrep.yaml" --no-git-ignore "$set" >/dev/null ||
  echo "semgrep: ended with $?"
echo "== secrets alone"
/usr/bin/time -f '%e s, %U s user' "$scan" --secrets "$set" >/dev/null
echo "== time by lines"
find "$set" -type f \( -name '*.js' -o -name '*.ts' -o -name '*.py' -o -name '*.java' -o -name '*.go' \) | sort >"$work/all"
total=$(wc -l <"$work/all")
for share in 8 4 2 1; do
  awk -v n="$share" 'NR % n == 0' "$work/all" >"$work/some"
  xargs -s 2000000 -a "$work/some" "$scan" 2>&1 >/dev/null | tail -1
done
