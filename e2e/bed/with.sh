#!/bin/bash
# with.sh COMMAND...: brings the bed up with the operator's image in it, runs COMMAND, and takes the bed down,
# also when COMMAND fails or is interrupted. KEEP=1 leaves the bed up. PROFILE: the cargo profile of the operator (dev).
# After a failure the logs are kept under target/e2e-logs, and what failed is said once more behind them: a log that is cut has it.
set -euo pipefail
. "$(dirname "$0")/env.sh"
. "$BED_SOURCE/cache.sh"
root=$(cd "$BED_SOURCE/../.." && pwd)
[ $# -gt 0 ] || { echo "usage: with.sh COMMAND..." >&2; exit 2; }
# Who ends takes the bed down, also under the hands of another.
exec 8> "$CROSSFADE_BED.used"
flock -n 8 || { echo "another run uses the bed in $CROSSFADE_BED: wait for its end, or name another place in CROSSFADE_BED" >&2; exit 1; }
child=
said=$(mktemp)
end() {
  local rc=$?
  trap - EXIT INT TERM
  [ -z "${child:-}" ] || kill -TERM -- "-$child" 2> /dev/null || true
  if [ $rc -ne 0 ] && [ -s "$CROSSFADE_BED/node.pid" ]; then "$BED_SOURCE/logs.sh" "$root/target/e2e-logs/$(date +%Y%m%d-%H%M%S)"; fi
  [ $rc -eq 0 ] || sed -n '/^failures:$/,$p' "$said" | cut -c1-1500 | tail -40
  rm -f "$said"
  if [ "${KEEP:-}" = 1 ]; then say "KEEP=1: the bed stays up; make bed-down removes it"; else "$BED_SOURCE/down.sh" || rc=1; fi
  exit $rc
}
trap end EXIT
trap 'exit 130' INT TERM
"$BED_SOURCE/up.sh" 8>&-
"$BED_SOURCE/operator.sh" 8>&-
# In the background, so that a signal ends the wait at once; in a group of its own, so that all of it can be ended.
setsid bash -c 'set -o pipefail; said=$1; shift; "$@" | tee "$said"' -- "$said" "$@" < /dev/null 8>&- & child=$!
wait $child
child=
