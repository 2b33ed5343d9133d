#!/usr/bin/env bash
# The run that toolkit/demo.sh replays: trained on DEVICE, sealed and signed into archives/samples/run.
#   tests/gpu/sample.sh [cpu|cuda]     train here, and seal
#   tests/gpu/sample.sh train OUT [cpu|cuda]     only train, into the folder OUT: where the build has no archives
#   tests/gpu/sample.sh seal RUN       only seal a run that was trained elsewhere
# ASSAY=PROGRAM takes another than build/release/assay; its assay-runner lies beside it.
set -euo pipefail
cd "$(dirname "$0")/../.."
assay=${ASSAY:-build/release/assay}
sample=archives/samples/run
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

train() {  # train OUT DEVICE
  "$assay" train $sample/recipe.json --program tests/runner/deltanet.py -o "$1" --device "$2"
}
seal() {  # seal RUN
  [[ $1 == "$work/deltanet" ]] || cp -r "$1" "$work/deltanet"  # the folder's name is the experiment's id
  "$assay" key new "$work/key" --comment sample@assay.example
  "$assay" seal "$work/deltanet" --from run -o "$work/run.h5" --key "$work/key"
  echo "sample@assay.example $(<"$work/key.pub")" >$sample/signers.allowed
  mv -f "$work/run.h5" $sample/run.h5
  python3 - "$work/deltanet" >$sample/chain.txt <<'END'
import json, sys
chain = json.load(open(sys.argv[1] + "/result.json"))["chain"]
last = json.load(open(sys.argv[1] + "/environment.json"))["sessions"][-1]
runner, host = last["runner"], last["host"]
device = runner.get("gpu") or (last["device"] if last["device"] != "cpu" else host["processor"])
print(chain, "made on", device)
END
  cat $sample/chain.txt
}

case ${1:-cpu} in
  cpu | cuda) train "$work/deltanet" "${1:-cpu}"; seal "$work/deltanet" ;;
  train) train "${2:?OUT}" "${3:-cpu}" ;;
  seal) seal "${2:?RUN}" ;;
  -h | --help) sed -n '2,6p' "$0" | cut -c3- ;;
  *) echo "error: unknown: $1; tests/gpu/sample.sh --help" >&2; exit 1 ;;
esac
