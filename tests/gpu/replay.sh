#!/usr/bin/env bash
# What replay must show on a GPU, in parts that are timed and remembered: a second call with the same OUT goes on where the first ended.
#   tests/gpu/replay.sh OUT first|second|third|PART...      without one: first
#   DEVICE=cpu SIZE=tiny BUILD=build/k tests/gpu/replay.sh OUT ...     the same scripts at small sizes, to see that they run
#
# Each part prints one line a result; OUT/PART.log has the rest, OUT/times.jsonl the seconds, OUT/done/PART says that it ended well (remove it to
# run it again). BUDGET=seconds starts no part that its estimate would carry over it. Times estimated, for 16 cores a GPU:
#
#   first: is it right? one GPU, 10 min        second: is it fast? two GPUs, 15 min
#     build     175 s  everything; packed         build     10 s  unpacked
#     captures   30 s  graphs, steps as they      steps    850 s  106 programs beside PyTorch eager, default and deterministic: 1,700 s of
#                      are, the CPU: one trace                    a GPU, one program on each at a time; goes on in another batch
#     traces     50 s  and                      third: does it learn? four GPUs, 9 min
#     baselines  30 s  the same as the CPU's      build     10 s
#     gtests    130 s  every test of operators    recall   300 s  MQAR (2 widths, 3 seeds), parity (2 rules, 3 seeds)
#     certify    10 s  as tests/data/gpu's        gemm      20 s  the matrix products beside cuBLAS
#     sample     40 s  the demo's bundle          operators 60 s  torch's own operators and the library's
#     programs  100 s  106 in fp32 and bf16:      shape    120 s  all in bf16 at a length that is no multiple of the chunk, GPU and
#                      programs.jsonl                             AVX-512 side by side
#   also: programs_avx512, programs_avx2, programs_portable (240, 300 and 900 s of 16 cores; any machine has them); tests/gpu/search.sh (250 s);
#   profile (170 s): the time of each kernel of six programs, ours and eager's; profile_recall (40 s): of what `recall` trains
#
# The first batch leaves OUT/built_*.tar.xz; BUILT=FOLDER of those, on a machine of the same kind, is unpacked where `build` would compile.
# Needs nvcc and a Python with torch 2.11.0 (ASSAY_TORCH_PYTHON, else python3) and einops 0.8.1 with its metadata, there or in
# ASSAY_PYTHON_PACKAGES (a recipe names its version); the published programs as ASSAY_SHARED, ../shared or shared has them.
# To take along: the tree, the folder of einops and its dist-info, data/asi-arch/106.json, later built_*.tar.xz. To bring back: OUT.
set -uo pipefail
cd "$(dirname "$0")/../.." || exit
out=$(mkdir -p "${1:?OUT: where the results go}" && cd "$1" && pwd)
shift
device=${DEVICE:-cuda} size=${SIZE:-full} build=${BUILD:-build/gpu} python=${ASSAY_TORCH_PYTHON:-python3} cores=${CORES:-$(nproc)} budget=${BUDGET:-100000}
runner=$build/replay/assay-runner assay=$build/assay failed=0
parts=("$@")
case ${parts[*]-} in
  "" | first) parts=(build captures traces baselines gtests certify sample programs) ;;
  second) parts=(build steps) ;;
  third) parts=(build recall gemm operators shape) ;;
esac
shared=${ASSAY_SHARED:-}
[[ -n $shared ]] || for shared in ../shared shared; do [[ -d $shared/data ]] && break; done
packages=${ASSAY_PYTHON_PACKAGES:-}
export PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 ${packages:+PYTHONPATH="$packages${PYTHONPATH:+:$PYTHONPATH}"}
mkdir -p "$out/done"
export LD_LIBRARY_PATH=$PWD/$build/kernels${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}  # where what was built elsewhere is unpacked
[[ $build != /* ]] || export LD_LIBRARY_PATH=$build/kernels:$LD_LIBRARY_PATH
tiny() { [[ $size == tiny ]]; }
full() { [[ $size != tiny ]]; }

# limited SECONDS COMMAND...: everything to the part's log; the last TAIL lines shown.
limited() {
  local limit=$1 status
  shift
  echo "\$ $*" >>"$log"
  timeout "$limit" "$@" >"$log.now" 2>&1
  status=$?
  cat "$log.now" >>"$log"
  tail -n "${TAIL:-3}" "$log.now" | cut -c1-240
  rm -f "$log.now"
  [[ $status -ne 77 ]] || return 0  # skipped, and said why
  [[ $status -ne 124 ]] || echo "  more than $limit s: $*"
  return $status
}

part_build() {
  local targets=(assay-runner assay) packed
  if [[ -n ${BUILT:-} ]]; then
    mkdir -p "$build"
    for packed in "$BUILT"/built_*.tar.xz; do tar -C "$build" -xJf "$packed" || return; done
  else
    if [[ ! -f $build/build.ninja ]]; then
      TAIL=1 limited 60 cmake --preset release -B "$build" -DASSAY_REPLAY=ON -DASSAY_ARCHIVES=OFF -DASSAY_BENCH=ON -DCMAKE_UNITY_BUILD=OFF \
        -DASSAY_TORCH_PYTHON="$(command -v "$python")" || { tail -20 "$log"; return 1; }
    fi
    full && targets+=(test_kernels assay-certify assay_kernels)
    [[ $device == cuda ]] && targets+=(bench_gemm)
    TAIL=4 limited 400 cmake --build "$build" -j "$cores" --target "${targets[@]}" -- -k 0 --quiet || return
    if full; then
      (cd "$build" && tar -c kernels/libassay_kernels.so | xz -T0 -2 >"$out/built_kernels.tar.xz" &&
        tar -c replay/assay-runner assay $(ls tests/bench/bench_gemm 2>/dev/null) | xz -T0 -2 >"$out/built_programs.tar.xz")
    fi
  fi
  "$runner" --versions | tee -a "$log" | grep -q '"einops": *"[0-9]' ||
    { echo "  einops is not there with its metadata: recipes could not name it (ASSAY_PYTHON_PACKAGES)"; return 1; }
}
# As many processes as there are cores: the matrix products alone take minutes of one.
part_gtests() {
  local shards=$cores shard processes=() status=0
  tiny && shards=2
  for ((shard = 0; shard < shards; ++shard)); do
    GTEST_TOTAL_SHARDS=$shards GTEST_SHARD_INDEX=$shard timeout 300 "$build/tests/test_kernels" --gtest_filter="$(tiny && echo 'Adam*:Sgd*' || echo '*')" \
      >"$log.$shard" 2>&1 &
    processes+=($!)
  done
  for shard in "${!processes[@]}"; do wait "${processes[shard]}" || status=1; done
  cat "$log".[0-9]* >>"$log" && rm -f "$log".[0-9]*
  grep -q '^\[       OK' "$log" || status=1
  echo "  $(grep -c '^\[       OK' "$log") passed, $(grep -c '^\[  SKIPPED' "$log") skipped"
  grep -E '^\[  FAILED  \] [^ ]*\.' "$log" | sort -u | head -5
  return $status
}
part_certify() {
  local name=cpu arguments=(--cpu avx512 --threads 2 --family gemm)
  if [[ $device == cuda ]]; then
    name=$(nvidia-smi --query-gpu=name --format=csv,noheader | head -1 | grep -oE 'H100|H200|A100|B200' | tr 'A-Z' 'a-z')
    arguments=(--device cuda)
  fi
  limited 200 "$build/kernels/assay-certify" "${arguments[@]}" -o "$out/${name:-gpu}.json" || return
  tiny || TAIL=6 limited 30 "$build/kernels/assay-certify" --compare tests/data/gpu/avx512.json "$out/${name:-gpu}.json"
}
part_captures() { TAIL=8 limited 150 "$python" tests/runner/captures.py --runner "$runner" --device "$device" --jobs "$((cores > 8 ? 8 : cores))" $(tiny && echo --only counts); }
part_traces() { TAIL=8 limited 200 "$python" tests/runner/traces.py --runner "$runner" --shared "$(tiny && echo none || echo "$shared")" --device "$device" --jobs "$((cores > 8 ? 8 : cores))"; }
part_baselines() { TAIL=8 limited 150 "$python" tests/runner/baselines.py --runner "$runner" --device "$device" --jobs "$((cores > 8 ? 8 : cores))"; }

# programs NAME TARGET JOBS SECONDS OPTIONS...: OUT/NAME/results.jsonl is added to.
programs() {
  local name=$1 target=$2 jobs=$3 seconds=$4
  shift 4
  TAIL=8 limited "$((seconds + 120))" env OMP_NUM_THREADS=1 "$python" tests/runner/programs_table.py --runner "$runner" --shared "$shared" \
    --out "$out/$name" --jobs "$jobs" --targets "$target" --seconds "$seconds" "$@" $(tiny && echo --only 458 --steps 5)
}
gpu_or() { [[ $device == cuda ]] && echo cuda || echo "$1"; }
part_programs() {
  programs programs "$(gpu_or avx512)" "$cores" 300 || return
  full || return 0
  cp "$out/programs/results.jsonl" "$out/programs.jsonl"
  # The last losses that are committed: where only the recipe has changed (a version that it names), chains differ and losses do not.
  "$python" - "$out/programs.jsonl" <<'PY'
import json, sys
read = lambda path: {(r["index"], r["precision"]): r["loss"] for r in map(json.loads, open(path)) if "loss" in r}
old, new = read("tests/data/gpu/programs.jsonl"), read(sys.argv[1])
wrong = sorted(key for key in old if key in new and old[key] != new[key])
print("  last losses: %d as committed, %d not%s; %d new, %d gone" % (
    sum(old[key] == new[key] for key in old if key in new), len(wrong), ": %r" % wrong[:9] if wrong else "", len(new.keys() - old.keys()), len(old.keys() - new.keys())))
sys.exit(1 if wrong else 0)
PY
}
part_programs_avx512() { programs programs avx512 "$cores" 500; }
part_programs_avx2() { programs programs avx2 "$cores" 500; }
part_programs_portable() { programs programs portable "$cores" 500; }
part_shape() {
  local half=$((cores > 1 ? cores / 2 : 1)) beside status=0
  log=$log.cpu programs shape_cpu avx512 "$half" 300 --length 100 --precisions bf16 >"$out/shape_cpu.txt" &
  beside=$!
  programs shape "$(gpu_or avx2)" "$half" 300 --length 100 --precisions bf16 || status=1
  wait $beside || status=1
  cat "$out/shape_cpu/results.jsonl" >>"$out/shape/results.jsonl"
  TAIL=4 limited 60 "$python" tests/runner/programs_table.py --runner "$runner" --table --out "$out/shape" || status=1
  return $status
}

# A few MB: two layers of width 32, three checkpoints. The program is the DeltaNet of tests/runner, written in Python.
part_sample() {
  local work=$out/sample key
  rm -rf "$work" && mkdir -p "$work" && key=$work/key
  "$python" - "$runner" "$work/recipe.json" "$(tiny && echo 4 || echo 60)" <<'PY' || return 1
import json, sys
sys.path.insert(0, "tests/runner")
sys.argv[1:], (runner, path, steps) = [], sys.argv[1:]
import support
json.dump(support.recipe(runner, name="sample", steps=int(steps), batch={"rows": 8, "leaf": 2, "length": 64}, evaluation={"every": int(steps), "rows": 32},
                         intervals={"state_root": 1, "checkpoint": int(steps) // 2}), open(path, "w"), indent=1)
PY
  export ASSAY_RUNNER; ASSAY_RUNNER=$(realpath "$runner")
  TAIL=1 limited 60 "$assay" key new "$key" || return
  TAIL=3 limited 120 "$assay" train "$work/recipe.json" --program tests/runner/deltanet.py -o "$work/run" --device "$device" --threads 2 ||
    TAIL=3 limited 120 "$assay" train "$work/recipe.json" --program tests/runner/deltanet.py -o "$work/run" --device "$device" --threads 2 --sandbox rlimits || return
  TAIL=1 limited 60 "$assay" seal "$work/run" --from run -o "$out/sample.h5" --key "$key" --force || return
  TAIL=3 limited 120 "$assay" replay "$out/sample.h5" run --threads 2 --sandbox rlimits || return
  [[ $device != cuda ]] || TAIL=3 limited 120 "$assay" replay "$out/sample.h5" run --device cuda --sandbox rlimits || return
  ls -l "$out/sample.h5" | awk '{print "  sample.h5: " $5 " bytes"}'
}

part_gemm() {
  [[ $device == cuda ]] || { echo "  no GPU"; return 0; }
  TAIL=34 limited 100 "$build/tests/bench/bench_gemm" "${CUBLAS:-libcublas.so.13}" || return
  cp "$log" "$out/bench_gemm.txt"
}
part_operators() {
  TAIL=6 limited 200 "$python" tests/bench/kernels/torch_ops.py --library "$build/kernels/libassay_kernels.so" --device "$device" -o "$out/torch_ops.md" $(tiny && echo --only relu --threads 1)
}
part_steps() {
  local shape=gpu more=(--jobs "${STEPS_JOBS:-3}" --deterministic --seconds "${STEPS_SECONDS:-420}")
  [[ $device == cuda ]] || { shape=tiny && more=(--only 458 --deterministic); }
  TAIL=10 limited "$((${STEPS_SECONDS:-420} + 60))" "$python" tests/bench/replay/steps.py --runner "$runner" --shared "$shared" --shape $shape -o "$out/steps.md" "${more[@]}" ${STEPS_OPTIONS:-}
}
# profiled NAME COMMAND...: where the GPU's time goes, by kernel: OUT/profile/NAME.PID.tsv for each process.
profiled() {
  local name=$1 cuda=${CUDA_HOME:-/usr/local/cuda} times
  times=$(realpath "$build")/kernel_times.so
  shift
  mkdir -p "$out/profile"
  [[ -f $times ]] ||
    limited 60 g++ -std=c++20 -O2 -shared -fPIC -I"$cuda/include" -I"$cuda/extras/CUPTI/include" tests/gpu/kernel_times.cpp -o "$times" \
      -L"$cuda/lib64" -L"$cuda/extras/CUPTI/lib64" -lcupti || return
  TAIL=2 limited 60 env CUDA_INJECTION64_PATH="$times" KERNEL_TIMES="$out/profile/$name" \
    LD_LIBRARY_PATH="$cuda/lib64:$cuda/extras/CUPTI/lib64:$LD_LIBRARY_PATH" "$@"
}
part_profile() {
  [[ $device == cuda ]] || { echo "  no GPU"; return 0; }
  local index
  for index in ${PROFILED:-deltanet 441 880 927 954 1041}; do
    profiled "$index" "$python" tests/bench/replay/steps.py --runner "$runner" --shared "$shared" --shape gpu --steps 60 --only "$index" -o "$out/profile/$index.md"
  done
}
# The same of what `recall` trains, a few hundred steps of each.
part_profile_recall() {
  [[ $device == cuda ]] || { echo "  no GPU"; return 0; }
  local task
  for task in parity-11 mqar-64 mqar-128; do
    profiled "$task" "$python" tests/bench/replay/recall.py --runner "$runner" --device cuda --gpus 1 --tasks $task --seeds 1 --epochs 1 --parity-steps 400 \
      -o "$out/profile/$task.json"
  done
}
part_recall() {
  local more=(--jobs "${RECALL_JOBS:-3}" --seconds "${RECALL_SECONDS:-420}")
  tiny && more=(--shape tiny --seeds 1 --jobs 1)
  TAIL=20 limited 560 "$python" tests/bench/replay/recall.py --runner "$runner" --device "$device" -o "$out/recall.json" "${more[@]}" ${RECALL_OPTIONS:---parity-steps 5000}
}

declare -A estimate=([build]=175 [gtests]=130 [certify]=10 [captures]=30 [traces]=50 [baselines]=30 [programs]=100 [shape]=120 [sample]=40
  [gemm]=20 [operators]=60 [steps]=400 [recall]=300 [profile]=170 [profile_recall]=40)
for part in "${parts[@]}"; do
  if [[ -e $out/done/$part && $part != build ]]; then echo "== $part: done before"; continue; fi
  if ((SECONDS + ${estimate[$part]:-240} > budget)); then echo "== $part: left out, $((budget - SECONDS)) s of the budget are left"; continue; fi
  echo "== $part"
  began=$SECONDS log=$out/$part.log
  : >"$log"
  if "part_$part"; then result=ok && touch "$out/done/$part"; else result=FAILED && failed=$((failed + 1)); fi
  echo "== $part: $result, $((SECONDS - began)) s"
  printf '{"part": "%s", "result": "%s", "seconds": %d, "device": "%s", "size": "%s"}\n' "$part" $result $((SECONDS - began)) "$device" "$size" >>"$out/times.jsonl"
done
{ nvidia-smi --query-gpu=name,driver_version --format=csv,noheader 2>/dev/null || echo "no GPU"; git rev-parse HEAD 2>/dev/null || cat .commit 2>/dev/null; sha256sum docs/determinism.md; } >"$out/machine.txt"
echo "done in $SECONDS s, $failed failed"
exit $((failed > 0))
