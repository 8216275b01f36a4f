#!/bin/bash
# build.sh OUT: what a release is made of: the static binary, its image, its bill of materials, what built it, their checksums.
# The same commit, Cargo.lock and toolchain give the same bytes, wherever and whenever it runs (reproducible.sh).
set -euo pipefail
out=$(mkdir -p "${1:?the folder to write to}" && cd "$1" && pwd)
cd "$(dirname "$0")/.."
root=$PWD target=${CARGO_TARGET_DIR:-$PWD/target} home=${CARGO_HOME:-$HOME/.cargo}
triple=x86_64-unknown-linux-gnu
PATH=$(packaging/tool.sh cargo-auditable cargo-cyclonedx):$PATH
# The page of the editor, which the program embeds: from the lock file alone.
make --no-print-directory web >&2
unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_RUSTFLAGS
# Nothing that is built asks for the time; the bill of materials takes this one for its own.
export SOURCE_DATE_EPOCH=0 CARGO_INCREMENTAL=0 LC_ALL=C TZ=UTC

# Where this machine keeps things: panics name the file of a line, and C code its own.
remap=("--remap-path-prefix=$root=/crossfade" "--remap-path-prefix=$target=/target" "--remap-path-prefix=$home=/cargo")
cargo fetch --quiet --locked --target "$triple"
for registry in "$home"/registry/src/*/; do
  remap+=("--remap-path-prefix=${registry%/}=/crates" "--remap-path-prefix=$(realpath "$registry")=/crates")
done
CFLAGS=$(printf ' %s' "${remap[@]/#--remap-path-prefix/-ffile-prefix-map}")
export CFLAGS
# Joined to the flags of .cargo/config.toml, which RUSTFLAGS would replace.
flags=$(printf '"%s",' "${remap[@]}")
cargo auditable build --locked --release --bin crossfade --config "target.$triple.rustflags=[${flags%,}]"
install -m 755 "$target/$triple/release/crossfade" "$out/crossfade"
packaging/check.sh "$out/crossfade" web/dist "$root" "$target" "$home"

cargo cyclonedx --quiet --format json --spec-version 1.5 --target "$triple" --override-filename crossfade.cdx
mv crossfade.cdx.json "$out/crossfade.cdx.json"
packaging/sbom.py "$out/crossfade.cdx.json" "$root" web/bundled.json "$(ldd --version | sed -n 1p)"
version=$(cargo pkgid --locked | sed 's/.*[#@]//')
packaging/image.sh "$out/crossfade" "ghcr.io/crossfade-dev/crossfade:$version" "$out/crossfade.tar"
# What else the bytes hang on. With a distribution's revision, as each of them says it: libc is linked statically.
for tool in rustc gcc ld ldd node; do "$tool" --version | sed -n "1s/^/$tool: /p"; done > "$out/toolchain.txt"
cd "$out" && sha256sum crossfade crossfade.cdx.json crossfade.tar toolchain.txt | tee SHA256SUMS
