#!/usr/bin/env bash
# clang-tidy (.clang-tidy) over the project's own sources. Prints nothing but findings; fails if there are any.
#   tests/tidy.sh [--changed]    --changed: only files that differ from the commit main is at
set -euo pipefail
cd "$(dirname "$0")/.."
folder=build/tidy
# A configuration of its own: clang reads the command lines, and the flags must be ones that it knows.
[[ -f $folder/compile_commands.json ]] ||
  cmake -S . -B "$folder" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_CXX_COMPILER_LAUNCHER= >/dev/null

if [[ ${1:-} == --changed ]]; then
  mapfile -t files < <(git diff --name-only --diff-filter=d main -- '*.cpp' | grep -v '^tests/fuzz/')
else
  mapfile -t files < <(git ls-files '*.cpp' | grep -v '^tests/')
fi
[[ ${#files[@]} -gt 0 ]] || { echo "clang-tidy: no files"; exit 0; }
echo "clang-tidy: ${#files[@]} files"
printf '%s\0' "${files[@]}" |
  xargs -0 -n 1 -P "$(nproc)" clang-tidy -p "$folder" --quiet --warnings-as-errors='*' 2> >(grep -vE '^[0-9]+ warnings?|^Suppressed|^Use -' >&2)
echo "clang-tidy: clean"
