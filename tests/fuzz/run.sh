#!/usr/bin/env bash
# Builds the fuzzers (clang, libFuzzer, AddressSanitizer, UndefinedBehaviorSanitizer) and runs each for SECONDS, as many at
# once as there are cores. What a fuzzer finds by itself is kept in build/fuzz/found and used by the next run; a crash stays
# in build/fuzz/crashes and fails this script.
#   tests/fuzz/run.sh [SECONDS=60] [TARGET...]
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-60}
shift || true
build=build/fuzz
command -v clang++ >/dev/null || { echo "tests/fuzz/run.sh: needs clang++ (toolkit/install.sh check)" >&2; exit 1; }

[[ -f $build/build.ninja ]] || cmake --preset fuzz >/dev/null
targets=("$@")
if [[ ${#targets[@]} -eq 0 ]]; then
  for source in tests/fuzz/*.cpp; do targets+=("$(basename "$source" .cpp)"); done
fi
cmake --build $build -j "$(nproc)" --target "${targets[@]/#/fuzz_}" -- --quiet
mkdir -p $build/crashes $build/logs

run_one() {
  local target=$1
  mkdir -p "$build/found/$target"
  local status=0
  ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=0 UBSAN_OPTIONS=print_stacktrace=1 \
    "$build/tests/fuzz/fuzz_$target" -max_total_time="$seconds" -timeout=20 -rss_limit_mb=3072 -malloc_limit_mb=2048 \
    -max_len=65536 -artifact_prefix="$build/crashes/$target-" -print_final_stats=1 \
    "$build/found/$target" "tests/fuzz/corpus/$target" >"$build/logs/$target" 2>&1 || status=$?
  local runs
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/logs/$target")
  if [[ $status -eq 0 ]]; then
    printf '%-22s ok      %s inputs\n' "$target" "${runs:-0}"
  else
    printf '%-22s FAILED  see %s\n' "$target" "$build/logs/$target"
    grep -m 3 -E 'ERROR|does not hold|runtime error|SUMMARY' "$build/logs/$target" | sed 's/^/    /'
  fi
  return "$status"
}
export -f run_one
export build seconds

for target in "${targets[@]}"; do
  [[ -d tests/fuzz/corpus/$target ]] || { echo "tests/fuzz/run.sh: no corpus for $target" >&2; exit 1; }
done
echo "${#targets[@]} fuzzers, $seconds s each, $(nproc) at once"
printf '%s\n' "${targets[@]}" | xargs -P "$(nproc)" -I{} bash -c 'run_one {}'
