#!/usr/bin/env bash
# Runs every test: sets up what they need, then unit, integration and
# documentation tests. Arguments go to `cargo nextest run`.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/setup-tests.sh

# A newer Node.js than the system's, where the set-up had to bring one.
for node in "$PWD"/target/tools/node_modules/node-linux-*/bin; do
  if [ -d "$node" ]; then export PATH="$node:$PATH"; fi
done

profile=default
if [ -n "${CI:-}" ]; then
  profile=ci
  # On a machine that must have everything, a skipped test is a failed one.
  export KODE_REQUIRE_ALL="${KODE_REQUIRE_ALL:-1}"
fi

cargo test --workspace --locked --doc --quiet
# Last, so that the run ends with the summary that counts.
cargo nextest run --workspace --locked --profile "$profile" "$@"
