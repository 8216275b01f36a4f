#!/bin/bash
# check.sh BINARY PAGE PLACE...: refuses a binary that must not be released: one that names a PLACE of the machine it was built on, or that
# lacks a file of the editor's page (the folder PAGE) or the list of its crates.
set -euo pipefail
binary=${1:?the binary} page=${2:?the folder of the page}
shift 2
refuse() { echo "$binary $1" >&2; exit 1; }

for place; do
  ! grep -aqF "$place" "$binary" || refuse "names $place: another machine would build another one"
done
files=0
while read -r file; do
  grep -aqF "$file" "$binary" || refuse "does not hold $page/$file, of the editor's page"
  files=$((files + 1))
done < <([ ! -d "$page" ] || (cd "$page" && find . -type f -printf '%P\n'))
[ "$files" -gt 0 ] || refuse "has no page for the editor: make web has left none in $page"
readelf --sections --wide "$binary" 2> /dev/null | grep -F .dep-v0 > /dev/null || refuse "does not carry the list of its crates: build it with cargo auditable"
