#!/usr/bin/env bash
# What the CPU's operators and training steps cost beside PyTorch's: every table of docs/benchmarks.md that is about the CPU, in under
# eight minutes on an idle machine of two cores.
#
#   tests/bench/kernels/cpu.sh [--build build/release] [--shared ../shared] [--threads 1,2] [--parts gemm,operators,steps] [-o FILE]
#
# Python must be the one with torch that the library was built against (PYTHON=... names another).
set -euo pipefail
cd "$(dirname "$0")/../../.."
build=build/release shared=${ASSAY_SHARED:-../shared} threads=1,2 parts=gemm,operators,steps out=
while [[ $# -gt 0 ]]; do
  case $1 in
    --build) build=$2 ;;
    --shared) shared=$2 ;;
    --threads) threads=$2 ;;
    --parts) parts=$2 ;;
    -o) out=$2 ;;
    *) sed -n '2,7s/^# \{0,1\}//p' "$0"; exit 2 ;;
  esac
  shift 2
done
python=${PYTHON:-python3} library=$build/kernels/libassay_kernels.so runner=$build/replay/assay-runner
[[ -e $library ]] || { echo "error: $library: expected the kernels' library, found nothing; build it: cmake --build $build --target assay_kernels assay-runner" >&2; exit 1; }
"$python" -c 'import torch' 2>/dev/null || { echo "error: $python: expected a Python with torch; PYTHON=PATH names it" >&2; exit 1; }

tables() {
  echo "CPU: $(sed -n 's/^model name.*: //p' /proc/cpuinfo | head -1), $(nproc) cores; load $(cut -d' ' -f1-3 /proc/loadavg) before."
  if [[ $parts == *gemm* ]]; then
    printf '\n#### Matrix products\n\n'
    "$python" tests/bench/kernels/gemm_cpu.py --library "$library" --threads "$threads"
  fi
  if [[ $parts == *operators* ]]; then
    printf '\n#### Operators\n\n'
    "$python" tests/bench/kernels/torch_ops.py --device cpu --library "$library" --threads "$threads"
  fi
  if [[ $parts == *steps* ]]; then
    printf '\n#### Training steps\n\n'
    "$python" tests/bench/replay/steps_cpu.py --runner "$runner" --shared "$shared" --seconds 4
  fi
  printf '\nLoad %s after; %d s in all.\n' "$(cut -d' ' -f1-3 /proc/loadavg)" "$SECONDS"
}
if [[ $out ]]; then tables | tee "$out"; else tables; fi
