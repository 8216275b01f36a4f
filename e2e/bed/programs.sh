#!/bin/bash
# Builds the bed's programs unless the cache has them; prints their folder.
set -euo pipefail
. "$(dirname "$0")/env.sh"
. "$BED_SOURCE/cache.sh"
cd "$BED_SOURCE/modules"
build() { say "building the cluster's programs from Go modules (5 to 20 minutes when the Go cache is empty)" && ./build.sh "$1" && say "built"; }
cached programs "$(go version | content_hash go.mod go.sum cluster/main.go coredns/main.go build.sh)" build
