#!/usr/bin/env bash
# One search of 60 candidates, run five ways: its result root must be one. On a GPU one candidate at a time; four at a time; four at a time, killed
# three times and gone on with; on the CPU four at a time; then each is sealed, and `diff` says where two bundles differ.
#   tests/gpu/search.sh OUT BUILD
#   CANDIDATES=6 STEPS=2 DEVICE=cpu tests/gpu/search.sh OUT build/ci      the same, small, to see that it runs
set -uo pipefail
out=$(mkdir -p "${1:?OUT: where the results go}" && cd "$1" && pwd) build=$(realpath "${2:?BUILD}")
device=${DEVICE:-cuda} assay=$build/assay
export ASSAY_RUNNER=$build/replay/assay-runner
cd "$out" || exit

"$assay" recipe show search-tiny | python3 -c '
import json, sys
recipe = json.load(sys.stdin)
recipe["name"] = "search-60"
recipe["budget"]["candidates"] = int(sys.argv[1])
recipe["training"]["steps"] = int(sys.argv[2])
recipe["training"]["evaluation"]["every"] = int(sys.argv[2])
json.dump(recipe, open("search.json", "w"), indent=1)' "${CANDIDATES:-60}" "${STEPS:-30}" || exit

# search NAME DEVICE JOBS: NAME.json is what it says at its end.
search() {
  local began=$SECONDS status
  "$assay" search search.json -o "$1" --device "$2" --jobs "$3" --threads 1 --sandbox rlimits --json >"$1.json" 2>"$1.log"
  status=$?
  echo "$1: exit $status, $((SECONDS - began)) s"
  return $status
}
killed() {
  local seconds
  for seconds in ${KILLS:-13 21 34}; do
    timeout -s KILL "$seconds" "$assay" search search.json -o killed --device "$device" --jobs 4 --threads 1 --sandbox rlimits -q >>killed.log 2>&1
    echo "killed: after $seconds s, exit $?, $(wc -l <killed/journal 2>/dev/null) lines in its journal"
  done
  search killed "$device" 4
}

[[ -f key ]] || "$assay" key new key >/dev/null || exit
search one "$device" 1 &
killed
search four "$device" 4
search cpu cpu 4
wait
failed=0
for name in one killed four cpu; do
  "$assay" seal "$name" --from search -o "$name.h5" --key key --force -q || failed=1
  cmp one/journal "$name/journal" || failed=1
done
python3 - <<'PY' || failed=1
import json, sys
roots = {name: json.load(open(name + ".json"))["result"].get("root") for name in ("one", "killed", "four", "cpu")}
print("result roots:", json.dumps(roots))
sys.exit(len(set(roots.values())) != 1 or None in roots.values())
PY
for name in killed four cpu; do
  "$assay" diff one.h5 "$name.h5" --json >"diff_$name.json" 2>>diff.log
  echo "diff one $name: exit $?"
done
((failed)) && echo FAILED || echo ok
exit $failed
