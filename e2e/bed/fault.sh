#!/bin/bash
# fault.sh kill NAME: SIGKILL; the node starts the daemon again after half a second.
# fault.sh hold NAME: SIGKILL, and keep it down until: fault.sh release NAME.
# fault.sh cut ADDRESS: nothing that a Pod of this address sends reaches the API server, until: fault.sh mend ADDRESS.
# fault.sh wait NAME: until the daemon runs. NAME: etcd apiserver controller-manager scheduler containerd kubelet kube-proxy provisioner.
set -euo pipefail
. "$(dirname "$0")/env.sh"
do=${1:?what: kill, hold, release, wait, cut or mend} name=${2:?which daemon, or which address}
# Behind the translation of the Service's address: kube-apiserver listens on the node.
cut() { "$BED_SOURCE/nx" iptables "$1" INPUT -s "$name" -p tcp --dport 6443 -j DROP; }
case $do in
  cut) cut -I; exit ;;
  mend) cut -D; exit ;;
esac
pid() { cat "$CROSSFADE_BED/pids/$name"; }
[ -e "$CROSSFADE_BED/pids/$name" ] || { echo "no daemon named $name; there are: $(ls "$CROSSFADE_BED/pids" | tr '\n' ' ')" >&2; exit 1; }
case $do in
  kill) "$BED_SOURCE/nx" kill -KILL "$(pid)" ;;
  hold) touch "$CROSSFADE_BED/hold/$name"; "$BED_SOURCE/nx" kill -KILL "$(pid)" ;;
  release) rm -f "$CROSSFADE_BED/hold/$name" ;;
  wait) for _ in $(seq 300); do ! "$BED_SOURCE/nx" kill -0 "$(pid)" 2>/dev/null || exit 0; sleep 0.2; done
    echo "$name does not run after 60 s; see $CROSSFADE_BED/log/$name.log" >&2; exit 1 ;;
  *) echo "unknown: $do; one of kill, hold, release, wait, cut, mend" >&2; exit 2 ;;
esac
