#!/bin/bash
# base.sh PACKAGES DIR: makes DIR/base.tar, the root file system that the bed's images share, from Debian's packages
# (comma-separated; apt's sources and proxy are the machine's), and the image archive DIR/image.tar.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
packages=$1 dir=$2 suite=bookworm
sources=()
for f in /etc/apt/sources.list.d/debian.sources /etc/apt/sources.list; do
  # Only Debian's own sources: others need keys of their own.
  if [ -s "$f" ] && grep -q "$suite" "$f"; then sources=("$f"); break; fi
done
options=()
proxy=$(apt-config dump --format '%v' Acquire::http::Proxy)
[ -z "$proxy" ] || options+=(--aptopt="Acquire::http::Proxy \"$proxy\"")
for path in doc man locale info lintian; do options+=(--dpkgopt="path-exclude=/usr/share/$path/*"); done
export SOURCE_DATE_EPOCH=1735689600
# Users are stated by number: the manifests name them.
mmdebstrap --quiet --mode=root --variant=essential --include="$packages" "${options[@]}" \
  --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr \
  --customize-hook='chroot "$1" groupadd -g 1000 frappe && chroot "$1" useradd -u 1000 -g 1000 -m -s /bin/bash frappe' \
  --customize-hook='chroot "$1" groupadd -g 999 mysql && chroot "$1" useradd -u 999 -g 999 -d /var/lib/mysql -s /usr/sbin/nologin mysql' \
  --customize-hook='rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/* "$1"/var/log/* "$1"/tmp/*; mkdir -p "$1/var/log"' \
  $suite "$dir/base.tar" "${sources[@]}" > "$dir/log" 2>&1 || { cat "$dir/log" >&2; exit 1; }
python3 "$here/mkimage.py" "$dir/image.tar" localhost/bed-base:1 --entrypoint '["/bin/bash"]' --layer-tar "$dir/base.tar"
rm "$dir/base.tar" "$dir/log"
