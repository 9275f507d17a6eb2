#!/usr/bin/env bash
# Installs what the tests need on a Debian machine with Rust. Quick when all is
# there; safe to run again. Says what it does, and stops at the first failure.
set -euo pipefail
cd "$(dirname "$0")/.."

# The independent mock of the providers' APIs that the model client is held to.
readonly aimock='@copilotkit/aimock@1.43.0'
readonly tools=target/tools

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

install_packages() {
  local missing=()
  command -v cc >/dev/null || missing+=(build-essential)
  command -v node >/dev/null || missing+=(nodejs)
  command -v npm >/dev/null || missing+=(npm)
  command -v tmux >/dev/null || missing+=(tmux)
  command -v setsid >/dev/null || missing+=(util-linux)
  command -v git >/dev/null || missing+=(git)
  command -v python3 >/dev/null || missing+=(python3)
  python3 -m pip --version >/dev/null 2>&1 || missing+=(python3-pip)
  [ ${#missing[@]} -eq 0 ] && return
  if ! command -v apt-get >/dev/null; then
    echo "setup: please install: ${missing[*]}" >&2
    exit 1
  fi
  echo "setup: installing ${missing[*]}"
  as_root apt-get update -qq
  as_root env DEBIAN_FRONTEND=noninteractive \
    apt-get install -y -qq --no-install-recommends "${missing[@]}"
}

install_nextest() {
  cargo nextest --version >/dev/null 2>&1 && return
  echo 'setup: building cargo-nextest'
  cargo install --quiet --locked cargo-nextest
}

install_aimock() {
  local wanted="${aimock##*@}" manifest="$tools/node_modules/@copilotkit/aimock/package.json"
  if [ -f "$manifest" ] && grep -q "\"version\": \"$wanted\"" "$manifest"; then return; fi
  echo "setup: installing $aimock into $tools"
  mkdir -p "$tools"
  npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$tools" "$aimock"
}

install_packages
install_nextest
install_aimock
# A small real model: about 160 MB, once.
scripts/local-model.sh
