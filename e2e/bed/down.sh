#!/bin/bash
# Ends the bed and removes everything it made, its state too. Succeeds when there is none.
set -uo pipefail
. "$(dirname "$0")/env.sh"
. "$BED_SOURCE/cache.sh"
BED=$CROSSFADE_BED
exec 9> "$BED.lock"; flock 9
if [ -s "$BED/node.pid" ]; then
  p=$(cat "$BED/node.pid")
  # The node's first process is pid 1 of its pid namespace: the kernel ends all others, and their mounts, with it.
  if grep -q node.sh "/proc/$p/cmdline" 2>/dev/null; then
    # shellcheck disable=SC2046
    kill -KILL $(cat "/proc/$p/task/$p/children" 2>/dev/null) "$p" 2>/dev/null
    for _ in $(seq 100); do kill -0 "$p" 2>/dev/null || break; sleep 0.1; done
  fi
fi
ip netns del e2enode 2>/dev/null
ip link del e2e-host 2>/dev/null
groups() { for h in /sys/fs/cgroup/ /sys/fs/cgroup/*/; do for g in kubepods k8s.io; do [ ! -d "$h$g" ] || echo "$h$g"; done; done; }
# The last processes leave their cgroups a moment after they are killed.
for _ in $(seq 50); do
  groups | while read -r g; do find "$g" -depth -type d -exec rmdir {} \; 2>/dev/null; done
  [ -n "$(groups)" ] || break
  sleep 0.1
done
[ ! -e "$BED/.crossfade-bed" ] || rm -rf --one-file-system "$BED"
left=$(
  groups
  ip netns list 2>/dev/null | grep -w e2enode
  ip -o link show e2e-host 2>/dev/null
  ip route | grep -E '10\.(96|244)\.0\.0/16'
  grep -F " $BED/" /proc/mounts
  [ ! -e "$BED" ] || echo "$BED"
)
[ -z "$left" ] || { printf 'failed to remove all of the bed; left are:\n%s\n' "$left" >&2; exit 1; }
rm -f "$BED.lock"
say "down, nothing left"
