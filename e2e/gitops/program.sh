#!/bin/bash
# Builds Argo CD from its Go module unless the cache has it; prints the folder: the program (`argocd`, which is every part of
# Argo CD by ARGOCD_BINARY_NAME), the script that it calls by PATH, and what its own installation applies (`crds`, `config`).
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../bed/env.sh"
. "$BED_SOURCE/cache.sh"
cd "$here"
build() {
  say "building Argo CD from its Go module (some minutes when the Go cache is empty)"
  # No flag that the compiler sees: what `make gitops` has compiled is taken as it is.
  go build -mod=readonly -ldflags "-s -w" -o "$1/argocd" github.com/argoproj/argo-cd/v3/cmd || return
  local module; module=$(go list -mod=readonly -m -f '{{.Dir}}' github.com/argoproj/argo-cd/v3) || return
  cp -r --no-preserve=mode "$module/manifests/crds" "$module/manifests/base/config" "$1/" || return
  install "$module/hack/git-verify-wrapper.sh" "$1/" || return
  say "built"
}
cached argocd "$(go version | content_hash go.mod go.sum program.sh)" build
