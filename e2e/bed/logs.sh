#!/bin/bash
# logs.sh DIR: copies the bed's daemon and pod logs to DIR, with the cluster's pods and events.
set -uo pipefail
. "$(dirname "$0")/env.sh"
to=${1:?folder to write to}; mkdir -p "$to"
cp -r "$CROSSFADE_BED/log" "$CROSSFADE_BED/podlogs" "$to/" 2>/dev/null
for what in pods events frappereleases httproutes persistentvolumeclaims; do kubectl get "$what" -A -o wide --request-timeout=10s > "$to/$what.txt" 2>&1; done
kubectl get frappereleases,httproutes,jobs -A -o yaml --request-timeout=10s > "$to/objects.yaml" 2>&1
echo "logs kept in $to" >&2
