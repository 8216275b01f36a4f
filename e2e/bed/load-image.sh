#!/bin/bash
# load-image.sh [FILE...]: imports image archives into the running bed, those that it does not have yet.
# Without a FILE: all of the bed's. The base image comes first, since the others name its layer without carrying it.
set -euo pipefail
. "$(dirname "$0")/env.sh"
. "$BED_SOURCE/cache.sh"
[ $# -gt 0 ] || set -- "$CROSSFADE_BED"/images/base.tar "$CROSSFADE_BED"/images/*.tar
ctr() { "$BED_SOURCE/nx" ctr -n k8s.io "$@"; }
have=$(ctr images ls | awk '{print $1, $3}')
for file in "$@"; do
  [ -r "$file" ] || { echo "failed to load $file: no such file; make images builds the archives" >&2; exit 1; }
  read -r name digest < <(tar -xOf "$file" --occurrence=1 index.json | jq -r '.manifests[0] | .annotations["io.containerd.image.name"] + " " + .digest')
  ! grep -qxF "$name $digest" <<< "$have" || continue
  ctr images import "$file" > /dev/null
  have+=$'\n'"$name $digest"
  say "loaded $name"
done
