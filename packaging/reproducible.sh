#!/bin/bash
# reproducible.sh [SHA256SUMS]: builds the commit that is checked out twice, as two people would, and compares what comes out; or
# builds it once, and compares it with the checksums of a release.
# Other folders of another length, another CARGO_HOME, umask, language and time zone; the same toolchain and crates.
set -euo pipefail
sums=${1:+$(realpath -e "$1")}
cd "$(dirname "$0")/.."
work=$(mktemp -d); trap 'rm -rf "$work"' EXIT
commit=$(git rev-parse HEAD)
registry=${CARGO_HOME:-$HOME/.cargo}/registry
mkdir -p "$registry"

# once PLACE [NAME=VALUE...]: a build of the commit in PLACE.
once() {
  local place=$1; shift
  mkdir -p "$place/source" "$place/home"
  git archive "$commit" | tar -x -C "$place/source"
  ln -s "$registry" "$place/home/registry" # the same crates under another path, not loaded anew
  env "$@" CARGO_HOME="$place/home" CARGO_TARGET_DIR="$place/built" "$place/source/packaging/build.sh" "$place/out" > /dev/null
  rm -rf "$place/built"
}
ours=$work/folder-with-a-long-name
(umask 077 && once "$ours" LANG=en_GB.UTF-8 TZ=America/Anchorage)
# As docs/how-to/verify-a-release.md tells those to who have loaded a release.
(
  cd "$ours/out"
  sha256sum --check --ignore-missing SHA256SUMS
)
if [ -z "$sums" ]; then
  once "$work/b" LANG=C.UTF-8 TZ=Pacific/Kiritimati
  sums=$work/b/out/SHA256SUMS
fi

# Not what helm packages, with the time in it; nor the toolchain's name, when the bytes say that it makes no difference.
compared() { grep -E '  (crossfade|crossfade\.cdx\.json|crossfade\.tar)$' "$1"; }
compared "$ours/out/SHA256SUMS"
diff <(compared "$sums") <(compared "$ours/out/SHA256SUMS") || {
  echo "the builds differ, as they do when the toolchain is not that of toolchain.txt. Here it is:" >&2
  cat "$ours/out/toolchain.txt" >&2
  exit 1
}
echo "the same bytes"
