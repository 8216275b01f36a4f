#!/bin/bash
# run.sh SECONDS TARGET...: runs each target for so long, with rustup's nightly toolchain. What it finds new is kept in the cache, for
# the next run; an input that breaks something is in fuzz/artifacts.
set -euo pipefail
seconds=${1:?for how long}
shift
cd "$(dirname "$0")/.."
. e2e/bed/env.sh
rustup run nightly cargo --version > /dev/null 2>&1 || { echo "fuzzing needs the nightly toolchain: rustup toolchain install nightly" >&2; exit 1; }
PATH=$(packaging/tool.sh cargo-fuzz):$PATH
for target; do
  kept=$CROSSFADE_CACHE/fuzz/$target
  mkdir -p "$kept"
  cargo +nightly fuzz run "$target" "$kept" "fuzz/corpus/$target" -- -max_total_time="$seconds"
done
