#!/usr/bin/env bash
# Everything that only a GPU can show, in one run: builds, tests against the CPU's bits, certificates, the torch.nn list, figures.
#   tests/gpu/run.sh OUT [PART]...      parts: build test certify torch bench (without one: these), exhaustive
# OUT gets certificates and figures as files, to be committed under tests/data/gpu; each names GPU, driver, contract and commit.
# Needs nvcc and a Python with torch 2.11.0 (ASSAY_TORCH_PYTHON, else python3); nothing is downloaded.
set -uo pipefail
cd "$(dirname "$0")/../.."
out=$(mkdir -p "${1:?OUT: where the results go}" && cd "$1" && pwd)
shift
parts=("$@")
[[ ${#parts[@]} -gt 0 ]] || parts=(build test certify torch bench replay)
build=build/gpu
python=${ASSAY_TORCH_PYTHON:-python3}
failed=0

say() { printf '\n==== %s (%d s so far)\n' "$*" "$SECONDS"; }
# step NAME LIMIT COMMAND...: its output goes to OUT/NAME.log too; a failure is counted and said, and the rest still runs.
step() {
  local name=$1 limit=$2 status
  shift 2
  timeout "$limit" "$@" >"$out/$name.log" 2>&1
  status=$?
  tail -"${TAIL:-4}" "$out/$name.log"
  [[ $status -eq 0 || $status -eq 77 ]] || { echo "FAILED: $name, exit $status"; failed=$((failed + 1)); }  # 77: skipped, and said why
}

part_build() {
  cmake --preset release -B $build -DASSAY_REPLAY=ON -DASSAY_ARCHIVES=OFF -DASSAY_BENCH=ON -DCMAKE_UNITY_BUILD=OFF \
    -DASSAY_TORCH_PYTHON="$(command -v "$python")" >"$out/configure.log" 2>&1 || { tail -20 "$out/configure.log"; exit 1; }
  TAIL=30 step build 400 cmake --build $build -j "$(nproc)" --target test_kernels assay-certify ${GPU_TARGETS:-assay_kernels} -- -k 0 --quiet
}
part_test() { TAIL=40 step test 300 $build/tests/test_kernels --gtest_brief=1; }
part_certify() {
  local name
  name=$(nvidia-smi --query-gpu=name --format=csv,noheader | head -1 | grep -oE 'H100|H200|A100|B200' | tr 'A-Z' 'a-z')
  step "certify-${name:-gpu}" 200 $build/kernels/assay-certify --device cuda -o "$out/${name:-gpu}.json"
  for level in portable avx2 avx512; do
    step "certify-$level" 200 $build/kernels/assay-certify --cpu $level --threads 8 -o "$out/$level.json"
    TAIL=8 step "compare-$level" 20 $build/kernels/assay-certify --compare "$out/$level.json" "$out/${name:-gpu}.json"
  done
}
# All 2^32 inputs of every unary operator, on the GPU and at each level of the CPU; the portable level a sixteenth of them.
part_exhaustive() {
  local tool=$build/kernels/assay-exhaustive
  step exhaustive-build 300 cmake --build $build -j "$(nproc)" --target assay-exhaustive
  TAIL=30 step exhaustive-cuda 120 $tool --device cuda --errors -o "$out/exhaustive.json"
  step exhaustive-avx512 240 $tool --cpu avx512 --threads "$(nproc)" --against "$out/exhaustive.json"
  step exhaustive-avx2 240 $tool --cpu avx2 --threads "$(nproc)" --part 5/8 --against "$out/exhaustive.json"
  step exhaustive-portable 240 $tool --cpu portable --threads "$(nproc)" --part 9/16 --against "$out/exhaustive.json"
}
part_torch() {
  local library=$build/kernels/libassay_kernels.so script
  for script in tests/kernels/torch/*.py; do
    grep -qE 'arguments\(|--library' "$script" || continue  # the rest are parts of these
    [[ $script != */support.py ]] || continue
    TAIL=12 step "torch-$(basename "$script" .py)" 200 "$python" "$script" --library "$library" --device cuda
  done
}
part_bench() {
  local program
  TAIL=50 step bench-ops 200 "$python" tests/bench/kernels/torch_ops.py --library $build/kernels/libassay_kernels.so --device cuda -o "$out/torch_ops.md"
  TAIL=14 step bench-delta 200 "$python" tests/bench/kernels/delta_rule.py --library $build/kernels/libassay_kernels.so --device cuda -o "$out/delta_rule.md"
  for program in $build/tests/bench/bench_gemm $build/tests/bench/bench_kernels; do
    [[ -x $program ]] && TAIL=40 step "$(basename "$program")" 200 "$program"
  done
}

# The published programs, as ASSAY_SHARED (or ../shared, or shared) has them, on the GPU and on each of the CPU's levels; REPLAY_TARGETS and
# REPLAY_OPTIONS (of tests/runner/programs_table.py) choose less. OUT/replay is added to, so a second run goes on.
part_replay() {
  local runner=$build/replay/assay-runner shared=${ASSAY_SHARED:-}
  [[ -n $shared ]] || for shared in ../shared shared; do [[ -d $shared/data ]] && break; done
  TAIL=5 step build-runner 300 cmake --build $build -j "$(nproc)" --target assay-runner -- --quiet
  TAIL=6 step replay-traces 200 "$python" tests/runner/traces.py --runner $runner --shared "$shared" --device cuda
  TAIL=6 step replay-baselines 100 "$python" tests/runner/baselines.py --runner $runner --device cuda
  local target
  for target in ${REPLAY_TARGETS:-cuda avx512 avx2 portable}; do
    # shellcheck disable=SC2086
    TAIL=12 step "replay-$target" "${REPLAY_LIMIT:-600}" env OMP_NUM_THREADS=1 "$python" tests/runner/programs_table.py --runner $runner \
      --shared "$shared" --out "$out/replay" --jobs "$(nproc)" --targets "$target" --seconds "${REPLAY_SECONDS:-400}" ${REPLAY_OPTIONS:-}
  done
}

for part in "${parts[@]}"; do
  say "$part"
  "part_$part"
done
{ nvidia-smi --query-gpu=name,driver_version --format=csv,noheader; git rev-parse HEAD 2>/dev/null || cat .commit 2>/dev/null; sha256sum docs/determinism.md; } >"$out/machine.txt"
say "done, $failed failed"
exit $((failed > 0))
