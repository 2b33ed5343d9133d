#!/usr/bin/env bash
# clang-tidy (.clang-tidy) over the project's own sources. Prints nothing but findings; fails if there are any.
#   tests/tidy.sh [--changed|--analyzer]
#     --changed    only files that differ from the commit main is at
#     --analyzer   with clang's static analyzer: an hour instead of ten minutes
set -euo pipefail
cd "$(dirname "$0")/.."
folder=build/tidy
# A configuration of its own: clang reads the command lines, and the flags must be ones that it knows.
[[ -f $folder/compile_commands.json ]] ||
  cmake -S . -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_CXX_COMPILER_LAUNCHER= -DASSAY_KERNELS=ON >/dev/null

if [[ ${1:-} == --changed ]]; then
  mapfile -t files < <(git diff --name-only --diff-filter=d main -- '*.cpp' | grep -v '^tests/fuzz/')
else
  mapfile -t files < <(git ls-files '*.cpp' | grep -v '^tests/')
fi
# What stands on torch's headers takes a minute a file, and most findings are theirs.
mapfile -t files < <(printf '%s\n' "${files[@]}" | grep -vE '^(kernels/torch|replay/(runner|model|tasks|baselines))/')
[[ ${#files[@]} -gt 0 ]] || { echo "clang-tidy: no files"; exit 0; }
echo "clang-tidy: ${#files[@]} files"
# A file is checked again when it, what it includes, the checks or the tool have changed.
checks=
[[ ${1:-} == --analyzer ]] && checks=--checks=clang-analyzer-*
passed=${XDG_CACHE_HOME:-$HOME/.cache}/assay/tidy
mkdir -p "$passed"
find "$passed" -type f -mtime +60 -delete
version=$(clang-tidy --version | sha256sum; sha256sum .clang-tidy)
check_one() {
  local key
  key=$({ echo "$version$checks"; clang++ -std=c++20 -E -I. $includes "$1" 2>/dev/null; } | sha256sum | cut -c1-64)
  [[ -e $passed/$key ]] && return 0
  clang-tidy -p "$folder" --quiet $checks --warnings-as-errors='*' "$1" 2> >(grep -vE '^[0-9]+ warnings?|^Suppressed|^Use -' >&2) || return 1
  touch "$passed/$key"
}
includes=$(grep -o -- '-isystem [^ ]*' "$folder/compile_commands.json" | sort -u | tr '\n' ' ')
export -f check_one
export folder passed version includes checks
printf '%s\n' "${files[@]}" | xargs -P "$(nproc)" -I{} bash -c 'check_one {}'
echo "clang-tidy: clean"
