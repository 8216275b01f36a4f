# Content-addressed results outside the tree; sourced after env.sh.

# content_hash FILE...: a hash of the files' names and contents, and of what is on the standard input.
content_hash() { { cat; for f in "$@"; do basename "$f"; cat "$f"; done; } | sha256sum | cut -c1-20; }

# cached WHAT HASH COMMAND...: prints the folder that COMMAND filled, which is run with a fresh folder's
# path as its last argument when the cache has none. One at a time; a build that fails or is killed leaves nothing.
cached() {
  local what=$1 dir=$CROSSFADE_CACHE/$1/$2; shift 2
  if [ ! -d "$dir" ]; then
    mkdir -p "$CROSSFADE_CACHE/$what"
    (
      flock 9
      [ ! -d "$dir" ] || exit 0
      part=$(mktemp -d "$CROSSFADE_CACHE/$what/part.XXXXXX")
      trap 'rm -rf "$part"' EXIT
      chmod 755 "$part"
      # errexit is off inside `||`: the command must end with its own status.
      "$@" "$part" >&2 9>&- || exit 1
      mv -T "$part" "$dir"
    ) 9> "$CROSSFADE_CACHE/$what/lock" || return 1
  fi
  touch "$dir"
  echo "$dir"
}

SINCE=$(date +%s%N)
# say TEXT: a line of progress with the seconds since the script's start.
say() { local ms=$((($(date +%s%N) - SINCE) / 1000000)); printf '%5d.%ds %s\n' $((ms / 1000)) $((ms % 1000 / 100)) "$*" >&2; }
