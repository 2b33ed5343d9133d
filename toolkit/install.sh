#!/usr/bin/env bash
# Installs what is missing of the packages in toolkit/dependencies.txt, as root or through sudo.
#   toolkit/install.sh [build|test|replay|check]...      without a group: build
# ASSAY_INSTALL=no only says what is missing (and fails if anything is).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
list=$here/dependencies.txt

groups=("$@")
[[ ${#groups[@]} -gt 0 ]] || groups=(build)

wanted=()
for group in "${groups[@]}"; do
  mapfile -t of_group < <(awk -v group="$group" '$1 == group {print $2}' "$list")
  [[ ${#of_group[@]} -gt 0 ]] || { echo "error: no group '$group' in $list" >&2; exit 1; }
  wanted+=("${of_group[@]}")
done

missing=()
if command -v dpkg-query >/dev/null; then
  installed=$(dpkg-query -W -f '${db:Status-Status} ${Package}\n' 2>/dev/null | awk '$1 == "installed" {print $2}')
  for package in "${wanted[@]}"; do
    grep -qxF -- "$package" <<<"$installed" || missing+=("$package")
  done
else
  echo "install: no dpkg here; taking it that the packages of ${groups[*]} are installed by other means" >&2
fi

if [[ ${#missing[@]} -eq 0 ]]; then
  echo "install: nothing missing (${#wanted[@]} packages: ${groups[*]})"
  exit 0
fi

as_root=()
if [[ $(id -u) -ne 0 ]]; then
  if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root=(sudo)
  elif command -v sudo >/dev/null && [[ -t 0 ]]; then
    as_root=(sudo)  # asks for the password
  else
    as_root=(none)
  fi
fi
if [[ ${ASSAY_INSTALL:-yes} == no || ${as_root[0]:-} == none ]]; then
  echo "error: missing packages: ${missing[*]}" >&2
  echo "  hint: as root: apt-get install ${missing[*]}" >&2
  exit 1
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
start=$SECONDS
step() {  # step WHAT COMMAND...: quiet unless it fails
  echo "install: $1"
  shift
  if ! "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive "$@" >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    echo "error: '$*' failed" >&2
    exit 1
  fi
}
echo "install: ${#missing[@]} of ${#wanted[@]} packages are missing: ${missing[*]}"
step "reading the list of packages" apt-get update -q
step "downloading and installing (a minute or so)" \
  apt-get install -q -y --no-install-recommends -o Dpkg::Options::=--force-unsafe-io "${missing[@]}"
echo "install: done in $((SECONDS - start)) s"
