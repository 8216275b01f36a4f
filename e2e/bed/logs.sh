#!/bin/bash
# logs.sh DIR: copies the bed's daemon and pod logs to DIR with the cluster's objects, and prints what matters most.
set -uo pipefail
. "$(dirname "$0")/env.sh"
to=${1:?folder to write to}; mkdir -p "$to"
cp -r "$CROSSFADE_BED/log" "$CROSSFADE_BED/podlogs" "$to/" 2>/dev/null
get() { kubectl get "$1" -A --request-timeout=10s "${@:2}"; }
for what in pods events frappereleases httproutes jobs persistentvolumeclaims; do get "$what" -o wide > "$to/$what.txt" 2>&1; done
get frappereleases,httproutes,jobs -o yaml > "$to/objects.yaml" 2>&1
{
  echo "---- pods that are not Running or Completed"; grep -vE ' (Running|Completed) ' "$to/pods.txt"
  echo "---- releases"; cat "$to/frappereleases.txt"
  echo "---- last warnings"; get events --field-selector type=Warning --sort-by=.lastTimestamp 2>&1 | tail -20
  for f in "$to"/podlogs/*crossfade*/*/*.log; do [ -e "$f" ] || continue; echo "---- $f"; tail -40 "$f"; done
  echo "logs kept in $to"
} >&2
