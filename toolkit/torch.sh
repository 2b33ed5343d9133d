#!/usr/bin/env bash
# Makes the Python environment with the pinned torch that the replay engine is built on: ${XDG_CACHE_HOME:-$HOME/.cache}/assay/torch.
# 4.7 GB, once; outside the clone, and kept. Run again it says that all is there, in a second.
#   toolkit/torch.sh [--check]     --check: only say whether it is there (exit 1 when not)
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${XDG_CACHE_HOME:-$HOME/.cache}/assay/torch
wanted=$(sha256sum toolkit/torch-requirements.txt)

if [[ -f $folder/.complete && $(<"$folder/.complete") == "$wanted" ]]; then
  echo "torch: there, and complete ($folder)"
  exit 0
fi
if [[ ${1:-} == --check ]]; then
  echo "torch: not there; toolkit/torch.sh makes it (4.7 GB)"
  exit 1
fi
need=9
free=$(df --output=avail -BG "$(dirname "$(dirname "$folder")")" 2>/dev/null | tail -1 | tr -dc 0-9 || echo 99)
if [[ ${free:-99} -lt $need ]]; then
  echo "error: torch needs 4.7 GB (and as much again while it is unpacked) in $folder; free: ${free} GB" >&2
  echo "  hint: set XDG_CACHE_HOME to a larger disk, or leave the replay engine out: --no-replay" >&2
  exit 1
fi
echo "torch: downloading 4.7 GB to $folder, once; some minutes"
python3 -m venv --clear "$folder"
progress=on
[[ -t 1 ]] || progress=off
"$folder/bin/pip" install --disable-pip-version-check --no-cache-dir --progress-bar "$progress" -r toolkit/torch-requirements.txt |
  { if [[ -t 1 ]]; then cat; else grep -E '^(Collecting|Installing|Successfully)' | cut -c1-100; fi; }
echo "$wanted" >"$folder/.complete"
echo "torch: done"
