#!/usr/bin/env bash
# Installs what the tests need, builds everything with warnings as errors, and runs the tests.
#   tests/run.sh [--no-replay] [--frameworks] [--no-python] [CTEST OPTIONS...]
#     --no-replay    leaves the replay part out: no torch, no CUDA
#     --frameworks   also installs OpenEvolve and ASI-Evolve, which recording and rerunning are tested against (5.5 GB with torch)
#     --no-python    does not make the Python environment: the tests that need h5py and its like are skipped
#   tests/run.sh -R cli           passes -R cli to ctest
# The replay part stands on torch: 4.7 GB, downloaded once. Nothing is written outside the build folder, but for packages and the
# Python environments in ${XDG_CACHE_HOME:-$HOME/.cache}/assay, which are kept.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD

python=yes
frameworks=no
replay=ON
ctest_options=()
while [[ $# -gt 0 ]]; do
  case $1 in
    --no-replay) replay=OFF ;;
    --frameworks) frameworks=yes ;;
    --no-python) python=no ;;
    -h | --help) sed -n '2,10p' "$0" | cut -c3-; exit 0 ;;
    *) ctest_options+=("$1") ;;
  esac
  shift
done

say() { printf '\n== %s\n' "$*"; }
cores=$(nproc)
mkdir -p build

say "packages (toolkit/dependencies.txt)"
toolkit/install.sh build test

# The peers that bundles are held against. Without network they are missing, and their tests say that they are skipped.
venv=${XDG_CACHE_HOME:-$HOME/.cache}/assay/venv
if [[ $python == yes ]]; then
  say "Python environment for the tests of other readers: $venv"
  wanted=$(sha256sum tests/requirements.txt)
  if [[ -f $venv/.complete && $(<"$venv/.complete") == "$wanted" ]]; then
    echo "there, and complete"
  else
    echo "downloading $(grep -cv '^#' tests/requirements.txt) packages and what they need, some 100 MB, once"
    if python3 -m venv --clear "$venv" && "$venv/bin/pip" install -q --retries 2 --disable-pip-version-check -r tests/requirements.txt; then
      echo "$wanted" >"$venv/.complete"
      echo "done"
    else
      echo "could not install them: the tests that need Python are skipped"
    fi
  fi
  [[ -f $venv/.complete ]] && export ASSAY_PYTHON=$venv/bin/python
fi

if [[ $frameworks == yes ]]; then
  say "frameworks that are recorded and rerun"
  tests/frameworks.sh
  cache=${XDG_CACHE_HOME:-$HOME/.cache}/assay
  export ASSAY_FRAMEWORKS=$cache/openevolve ASSAY_ASI_EVOLVE=$cache/asi-evolve
fi

if [[ $replay == ON ]]; then
  say "torch for the replay part"
  toolkit/install.sh replay
  toolkit/torch.sh || {
    echo "the replay part is left out, and its tests are not run: --no-replay says so without trying"
    replay=OFF
  }
fi

say "build (preset ci: optimised, warnings are errors) in build/ci, $cores jobs"
export CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1
[[ -f build/ci/build.ninja && -f build/ci/.replay && $(<build/ci/.replay) == "$replay" ]] ||
  cmake --preset ci -DASSAY_REPLAY=$replay >build/ci-configure.log 2>&1 || { cat build/ci-configure.log; exit 1; }
echo "$replay" >build/ci/.replay
grep -hE 'torch [0-9]|CUDA|nvcc' build/ci-configure.log | sed 's/^-- //' || true
cmake --build build/ci -j "$cores" -- --quiet

say "tests"
ctest --test-dir build/ci -j "$cores" --output-on-failure --no-tests=error --progress "${ctest_options[@]}"
