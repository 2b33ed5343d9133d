#!/usr/bin/env bash
# The main job on a small campaign of the project's own: installs what is missing, builds assay, then makes a key, seals,
# archives, verifies and audits, damages one byte of a copy and shows that it is found and named; and at last replays a sealed
# training run on this machine's CPU: the same bits as where it was made.
#   toolkit/demo.sh [--no-replay]     --no-replay leaves the last part out, and with it PyTorch (4.7 GB)
# Everything is made in a temporary folder and removed at the end. ASSAY=PROGRAM takes a program that is built already, with the
# assay-runner beside it.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD

replay=yes
for option in "$@"; do
  case $option in
    --no-replay) replay=no ;;
    -h | --help) sed -n '2,7p' "$0" | cut -c3-; exit 0 ;;
    *) echo "error: unknown option $option" >&2; exit 1 ;;
  esac
done

bold='' reset=''
if [[ -t 1 && -z ${NO_COLOR:-} ]]; then bold=$'\e[1m' reset=$'\e[0m'; fi
say() { printf '\n%s# %s%s\n' "$bold" "$*" "$reset"; }

# run STATUS COMMAND...: shows the command, runs it, and stops the demo if it ends with another status.
run() {
  local expected=$1 status=0
  shift
  printf '%s$ %s%s\n' "$bold" "$*" "$reset"
  "$@" || status=$?
  if [[ $status -ne $expected ]]; then
    echo "error: exit status $status, expected $expected" >&2
    exit 1
  fi
  [[ $expected -eq 0 ]] || echo "(exit status $status)"
}

folder=$(mktemp -d) logs=$(mktemp -d)
trap 'rm -rf "$folder" "$logs"' EXIT

if [[ -z ${ASSAY:-} ]]; then
  say "Packages"
  if [[ $replay == yes ]]; then
    toolkit/install.sh build replay
    # While that is downloaded, the rest is built.
    toolkit/torch.sh >"$logs/torch.log" 2>&1 &
    torch=$!
  else
    toolkit/install.sh build
  fi
  say "Build (build/demo)"
  # Only what it runs, several files at once, headers once, and -O1: from nothing that takes a third of the time, and the campaign is small.
  configure() {
    mkdir -p build
    cmake --preset release -B build/demo -DASSAY_TESTS=OFF -DASSAY_SEARCH=OFF -DASSAY_PCH=ON -DCMAKE_CXX_FLAGS_RELEASE=-O1 "$@" >build/demo-configure.log 2>&1 ||
      { cat build/demo-configure.log >&2; exit 1; }
  }
  [[ -f build/demo/build.ninja ]] || configure -DCMAKE_UNITY_BUILD=ON
  started=$SECONDS
  if ! cmake --build build/demo --target assay assay_git_module >build/demo-build.log 2>&1; then
    echo "once more, file by file"
    configure -DCMAKE_UNITY_BUILD=OFF
    cmake --build build/demo --target assay assay_git_module
  fi
  echo "built in $((SECONDS - started)) s"
  if [[ $replay == yes ]]; then
    say "PyTorch, and the runner that is built on it"
    wait "$torch" || { cat "$logs/torch.log" >&2; exit 1; }
    tail -1 "$logs/torch.log"
    started=$SECONDS
    configure -DASSAY_REPLAY=ON -DASSAY_CUDA=OFF
    cmake --build build/demo --target assay-runner >build/demo-build.log 2>&1 || { tail -20 build/demo-build.log >&2; exit 1; }
    echo "built in $((SECONDS - started)) s"
  fi
  ASSAY=$root/build/demo/assay
fi

cd "$folder"
cp -r "$root/archives/samples/small" campaign
mkdir bin
ln -s "$ASSAY" bin/assay
PATH=$folder/bin:$PATH
export GIT_AUTHOR_NAME=Demo GIT_AUTHOR_EMAIL=demo@example.org

say "A key to sign with, and the file that says whom to trust"
run 0 assay key new lab.key --comment demo@example.org
echo "demo@example.org $(<lab.key.pub)" >authors.allowed

say "Seal the campaign into one signed file"
run 0 assay seal campaign --from assay -o campaign.h5 --key lab.key

say "Keep it in a git archive"
run 0 assay archive init history
run 0 assay archive add history campaign.h5 --key lab.key
run 0 assay archive check history --trust authors.allowed

say "Verify it, as a reviewer would"
status=0
printf '%s$ assay verify campaign.h5 --trust authors.allowed%s\n' "$bold" "$reset"
assay verify campaign.h5 --trust authors.allowed || status=$?
# The sample's numbers may hold findings (3); it must be intact and signed by whom we trust.
[[ $status -eq 0 || $status -eq 3 ]] || { echo "error: exit status $status" >&2; exit 1; }
echo "(exit status $status)"

say "Ask where an experiment came from"
run 0 assay list campaign.h5 --sort score:desc --limit 3
best=$(assay list campaign.h5 --sort score:desc --limit 1 --csv | sed -n '2s/,.*//p')
run 0 assay audit campaign.h5 "$best"

say "Damage one byte of a copy: it is found and named"
cp campaign.h5 copy.h5
at=$(($(stat -c %s copy.h5) / 2))
byte=$(od -An -tu1 -j "$at" -N 1 copy.h5)
# shellcheck disable=SC2059
printf "\\x$(printf %x $((byte ^ 1)))" | dd of=copy.h5 bs=1 seek="$at" conv=notrunc status=none
echo "byte $at of copy.h5 was changed from $((byte)) to $((byte ^ 1))"
run 2 assay verify copy.h5 --trust authors.allowed

if [[ $replay == yes ]]; then
  read -r chain made <"$root/archives/samples/run/chain.txt"
  cp "$root"/archives/samples/run/{run.h5,signers.allowed} .
  cat authors.allowed >>signers.allowed
  say "Replay a sealed training run, ${made}, on this CPU: the same bits?"
  run 0 assay verify run.h5 --trust signers.allowed
  started=$SECONDS
  run 0 assay replay run.h5 deltanet -o result.json --key lab.key | tee replay.txt
  found=$(sed -n 's/^chain *//p' replay.txt)
  [[ $found == "$chain" ]] || { echo "error: expected the chain $chain, found $found" >&2; exit 1; }
  echo "the chain of all steps is the one $made; it took $((SECONDS - started)) s"
  run 0 assay verify run.h5 --trust signers.allowed --replay result.json
fi

say "Done. Next: build/demo/assay help"
