#!/bin/bash
# image.sh BINARY NAME OUT: the operator's image, an OCI archive, from the static binary alone. The same binary gives the same digest.
set -euo pipefail
binary=${1:?the static binary} name=${2:?the name of the image} out=${3:?the archive to write}
here=$(cd "$(dirname "$0")" && pwd)
! readelf -d "$binary" 2>/dev/null | grep NEEDED > /dev/null || {
  echo "$binary is linked dynamically: the image holds no libc; build it with the repository's .cargo/config.toml" >&2; exit 1; }
passwd=$(mktemp); trap 'rm -f "$passwd"' EXIT
printf 'crossfade:x:65532:65532:crossfade:/:/crossfade\n' > "$passwd"
python3 "$here/../e2e/images/mkimage.py" "$out" "$name" --entrypoint '["/crossfade"]' --user 65532:65532 "$binary=/crossfade" "$passwd=/etc/passwd"
