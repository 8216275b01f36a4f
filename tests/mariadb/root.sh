#!/bin/bash
# root.sh SUITE: prints the root of a Debian SUITE (such as trixie) with its MariaDB, for CROSSFADE_MARIADB_ROOT. As root; it is made
# once, and kept in the cache: remove it there for a newer one.
set -euo pipefail
suite=${1:?the suite of Debian} here=$(cd "$(dirname "$0")" && pwd)
. "$here/../../e2e/bed/env.sh"
. "$BED_SOURCE/cache.sh"

make() {
  say "making a root of Debian $suite with MariaDB"
  local options=() proxy
  proxy=$(apt-config dump --format '%v' Acquire::http::Proxy)
  [ -z "$proxy" ] || options+=(--aptopt="Acquire::http::Proxy \"$proxy\"")
  for path in doc man locale info lintian; do options+=(--dpkgopt="path-exclude=/usr/share/$path/*"); done
  mmdebstrap --quiet --mode=root --variant=essential --include=mariadb-server,mariadb-client "${options[@]}" \
    --customize-hook='rm -rf "$1"/var/lib/apt/lists/* "$1"/var/cache/*' "$suite" "$1/root"
}
root=$(cached mariadb "$suite-$(content_hash "$0" < /dev/null)" make)/root
# The server asks for its own name.
echo "127.0.0.1 localhost $(hostname)" > "$root/etc/hosts"
say "$(chroot "$root" mariadbd --version)"
echo "$root"
