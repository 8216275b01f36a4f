#!/bin/bash
# reproducible.sh: builds the commit that is checked out twice, as two people would, and compares what comes out.
# Other folders of another length, another CARGO_HOME, umask, language and time zone; the same toolchain and crates.
set -euo pipefail
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
once "$work/a" LANG=C.UTF-8 TZ=Pacific/Kiritimati
(umask 077 && once "$work/another/folder-with-a-longer-name" LANG=en_GB.UTF-8 TZ=America/Anchorage)

cat "$work/a/out/SHA256SUMS"
diff "$work/a/out/SHA256SUMS" "$work/another/folder-with-a-longer-name/out/SHA256SUMS" || { echo "the two builds differ" >&2; exit 1; }
echo "two builds, the same bytes"
