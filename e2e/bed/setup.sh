#!/bin/bash
# Installs what the bed and the tests want on a Debian 12 machine that has Rust (rustup), Go and Python 3.
# Looks first, so that a second run is quick. Prints the folder of Locust's Python environment.
set -euo pipefail
. "$(dirname "$0")/env.sh"
. "$BED_SOURCE/cache.sh"
packages=(busybox-static ca-certificates conntrack containerd containernetworking-plugins curl gcc iproute2 iptables jq libc6-dev
  gunicorn make mariadb-client mariadb-server mmdebstrap nftables openssl procps prometheus python3-mysqldb python3-pymysql python3-redis
  python3-werkzeug redis-server runc util-linux)
missing=()
for p in "${packages[@]}"; do [ "$(dpkg-query -W -f '${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || missing+=("$p"); done
if [ ${#missing[@]} -gt 0 ]; then
  [ "$(id -u)" = 0 ] || { echo "missing Debian packages: ${missing[*]}; run as root, or: apt-get install --no-install-recommends ${missing[*]}" >&2; exit 1; }
  say "installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  # No service is started: the tests start servers of their own.
  policy=/usr/sbin/policy-rc.d
  if [ ! -e $policy ]; then printf '#!/bin/sh\nexit 101\n' > $policy; chmod +x $policy; trap 'rm -f $policy' EXIT; fi
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends "${missing[@]}" > /tmp/crossfade-apt.log 2>&1 || { cat /tmp/crossfade-apt.log >&2; exit 1; }
  rm -f /tmp/crossfade-apt.log
fi
for c in cargo go python3; do
  command -v "$c" > /dev/null || { echo "$c is not installed: see CONTRIBUTING.md" >&2; exit 1; }
done
for c in rustfmt clippy; do cargo "${c/rustfmt/fmt}" --version > /dev/null 2>&1 || rustup component add "$c" >&2; done
if ! python3 -c 'import venv, ensurepip' 2>/dev/null || ! python3 -m pip --version > /dev/null 2>&1; then
  [ "$(id -u)" = 0 ] || { echo "python3 has no venv or pip: apt-get install python3-venv python3-pip" >&2; exit 1; }
  say "installing python3-venv and python3-pip"
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends python3-venv python3-pip > /dev/null
fi
say "Debian packages, Rust, Go and Python are there"

# A virtual environment has its path written into it, so it is not made elsewhere and moved: a finished one carries a mark.
locust=$CROSSFADE_CACHE/locust/$(python3 --version | content_hash "$BED_SOURCE/locust.txt")
if [ ! -e "$locust/.complete" ]; then
  mkdir -p "$CROSSFADE_CACHE/locust"
  (
    flock 9
    if [ ! -e "$locust/.complete" ]; then
      say "installing Locust from PyPI"
      rm -rf "$locust"
      python3 -m venv "$locust"
      "$locust/bin/pip" install -q --disable-pip-version-check --only-binary :all: -r "$BED_SOURCE/locust.txt" >&2
      touch "$locust/.complete"
    fi
  ) 9> "$CROSSFADE_CACHE/locust/lock"
fi
# A fixed name for the tests: $CROSSFADE_CACHE/locust/current/bin/locust.
ln -sfn "$locust" "$CROSSFADE_CACHE/locust/current"
say "Locust is there"
echo "$locust"
