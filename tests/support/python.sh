#!/bin/sh
# Runs a test script with $ASSAY_PYTHON (an environment that has h5py and its like, made by tests/run.sh), else with
# python3. Status 77 tells ctest that the test is skipped.
python=${ASSAY_PYTHON:-$(command -v python3)}
if [ -z "$python" ]; then
  echo "SKIPPED: no Python here"
  exit 77
fi
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$(dirname "$0") exec "$python" "$@"
