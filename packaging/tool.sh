#!/bin/bash
# tool.sh NAME...: builds the tools of tools.txt that the cache does not have, and prints their folders as a PATH.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../e2e/bed/env.sh"
. "$BED_SOURCE/cache.sh"
cd / # of the repository's .cargo/config.toml a tool must know nothing

build() {
  local name=$1 version=$2 from=$3 part=$4
  say "building $name $version"
  case $from in
    crates.io) env -u RUSTFLAGS -u CARGO_ENCODED_RUSTFLAGS CARGO_TARGET_DIR="$part/target" CARGO_INCREMENTAL=0 \
      cargo install --quiet --locked --root "$part" "$name@$version" && rm -rf "$part/target" ;;
    *) GOBIN="$part/bin" go install "$from@$version" ;;
  esac
}

path=()
for name; do
  read -r _ version from < <(grep "^$name " "$here/tools.txt") || { echo "$name is not in packaging/tools.txt" >&2; exit 1; }
  path+=("$(cached tools "$name-$version" build "$name" "$version" "$from")/bin")
done
(IFS=:; echo "${path[*]}")
