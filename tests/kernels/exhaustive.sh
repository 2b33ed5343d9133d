#!/usr/bin/env bash
# One 64th of all 2^32 inputs of every unary operator, another one each day, and all bf16 inputs, against the hashes that a GPU made.
#   tests/kernels/exhaustive.sh ASSAY_EXHAUSTIVE [PART]
set -euo pipefail
cd "$(dirname "$0")/../.."
part=${2:-$(($(date +%s) / 86400 % 64))}
echo "part $part of 64; the same again: $0 $1 $part"
exec "$1" --part "$part/64" --threads "$(nproc)" --against tests/data/gpu/exhaustive.json
