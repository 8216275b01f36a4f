#!/bin/bash
# Builds the operator (PROFILE: cargo profile, default dev), makes its image and loads it into the running bed.
set -euo pipefail
. "$(dirname "$0")/env.sh"
. "$BED_SOURCE/cache.sh"
cd "$BED_SOURCE/../.."
profile=${PROFILE:-dev}
say "building the operator ($profile)"
# With the tests: their dependencies have more features, and alone the binary would get all of them compiled once more.
binary=$(cargo build --profile "$profile" --bin crossfade --test e2e --message-format json-render-diagnostics | jq -r 'select(.reason == "compiler-artifact" and .target.name == "crossfade" and .executable) | .executable')
# Copied into every pod of a bench: without the debug information.
strip -o "$CROSSFADE_BED/crossfade" "$binary"
archive=$("$BED_SOURCE/../images/images.sh" crossfade "$CROSSFADE_BED/crossfade")
"$BED_SOURCE/load-image.sh" "$archive"
say "operator image ready"
