#!/bin/bash
# Brings up the one-node cluster with its DNS and gateway, in namespaces of its own.
set -euo pipefail
. "$(dirname "$0")/env.sh"
. "$BED_SOURCE/cache.sh"
BED=$CROSSFADE_BED NODE_IP=10.200.0.2 HOST_IP=10.200.0.1 NETNS=e2enode
[ "$(id -u)" = 0 ] || { echo "the bed makes network namespaces, mounts and cgroups: run it as root" >&2; exit 1; }
for c in containerd runc iptables conntrack ip nsenter jq curl openssl mmdebstrap go; do
  command -v "$c" > /dev/null || { echo "$c is not installed: run e2e/bed/setup.sh (or make setup)" >&2; exit 1; }
done
mkdir -p "$(dirname "$BED")"
exec 9> "$BED.lock"; flock 9

BIN=$("$BED_SOURCE/programs.sh" 9>&-)
# What the running bed was made from.
content=$(cd "$BED_SOURCE" && content_hash up.sh node.sh provision.sh gateway.sh pki.sh manifests/{coredns,gateway,storage}.yaml <<< "$BIN")
api() { curl -sf --max-time 2 --cacert "$BED/pki/ca.crt" --cert "$BED/pki/admin.crt" --key "$BED/pki/admin.key" "https://$NODE_IP:6443$1"; }
ready() { api /readyz > /dev/null; }
containerd_up() { [ -e "$BED/pids/containerd" ] && "$BED_SOURCE/nx" test -S /run/containerd/containerd.sock; }
# Ready as of this start, not as an earlier one left it in etcd.
node() { api /api/v1/nodes/node1 2>/dev/null | jq -e --arg t "$STARTED" '.status.conditions[] | select(.type=="Ready") | .status=="True" and .lastHeartbeatTime >= $t' > /dev/null; }
programmed() { kubectl -n projectcontour wait --for=condition=Programmed gateway/gw --timeout=1s > /dev/null 2>&1 && kubectl wait -A --for=condition=Available deploy --all --timeout=1s > /dev/null 2>&1; }
# within SECONDS COMMAND...: until it succeeds, the time is over or the node has ended.
within() {
  local end=$((SECONDS + $1)); shift
  while ! "$@"; do
    if [ $SECONDS -ge $end ] || ! kill -0 "$(cat "$BED/node.pid")" 2>/dev/null; then
      echo "failed to bring the bed up: no success of '$*'; the daemons' logs are in $BED/log" >&2; exit 1
    fi
    sleep 0.2
  done
}

if [ -e "$BED/node.pid" ]; then
  down="run e2e/bed/down.sh (or make bed-down) first"
  [ "$(cat "$BED/content" 2>/dev/null)" = "$content" ] || { echo "the running bed in $BED was made from other content: $down" >&2; exit 1; }
  STARTED=1970-01-01T00:00:00Z
  if kill -0 "$(cat "$BED/node.pid")" 2>/dev/null && ready && node && programmed; then
    "$BED_SOURCE/../images/images.sh" 9>&-
    "$BED_SOURCE/load-image.sh" 9>&-
    say "already up: KUBECONFIG=$KUBECONFIG, gateway $GATEWAY_URL"
    exit 0
  fi
  echo "the bed in $BED is not healthy (see its log/): $down" >&2; exit 1
fi
! ip netns pids $NETNS > /dev/null 2>&1 || { echo "a network namespace $NETNS exists already, perhaps of a bed with another CROSSFADE_BED: take that one down first" >&2; exit 1; }

mkdir -p "$BED"; chmod 755 "$BED"; touch "$BED/.crossfade-bed"
ln -sfn "$BIN" "$BED/bin"
"$BED_SOURCE/../images/images.sh" 9>&-
say "images ready"
mkdir -p "$BED"/{log,etcd,containerd,kubelet,podlogs,cni/conf,cni/state,volumes,pids,hold}
[ -s "$BED/pki/admin.kubeconfig" ] || "$BED_SOURCE/pki.sh" "$BED/pki" $NODE_IP
say "certificates made"

ip netns add $NETNS
ip link add e2e-host type veth peer name eth0 netns $NETNS
ip addr add $HOST_IP/30 dev e2e-host; ip link set e2e-host up
ip route replace 10.96.0.0/16 via $NODE_IP; ip route replace 10.244.0.0/16 via $NODE_IP
N="nsenter --net=/run/netns/$NETNS"
$N ip link set lo up; $N ip addr add $NODE_IP/30 dev eth0; $N ip link set eth0 up
# A default route that leads nowhere, over a bridge with no port: a connection to a ClusterIP needs a route before kube-proxy's rules see it.
$N ip link add void0 type bridge; $N ip link set void0 up; $N ip addr add 10.200.1.1/32 dev void0; $N ip route add default dev void0
$N sysctl -qw net.ipv4.ip_forward=1 net.bridge.bridge-nf-call-iptables=1
STARTED=$(date -u +%FT%TZ)
BED=$BED NODE_IP=$NODE_IP $N setsid unshare --mount --pid --uts --fork --kill-child=KILL --mount-proc --propagation private \
  "$BED_SOURCE/node.sh" < /dev/null > "$BED/log/node.log" 2>&1 9>&- &
echo $! > "$BED/node.pid"
disown
echo "$content" > "$BED/content"
say "node started"

within 60 containerd_up
I=$BED/images
# What the cluster itself needs is there before it is asked for: a failed pull is tried again after 10 s only.
"$BED_SOURCE/load-image.sh" "$I"/{coredns,contour,base,envoy}.tar 9>&- & loading=$!
within 120 ready; say "API server ready"
wait $loading
"$BED_SOURCE/load-image.sh" 9>&- & loading=$!
kubectl apply --server-side -f "$BED_SOURCE/manifests/coredns.yaml" -f "$BED_SOURCE/manifests/storage.yaml" > /dev/null
"$BED_SOURCE/gateway.sh" > "$BED/log/gateway-install.log" 2>&1 || { cat "$BED/log/gateway-install.log" >&2; exit 1; }
say "CoreDNS and gateway applied"
wait $loading
within 60 node; say "node Ready"
within 180 programmed
# One Pod each on one node: a kubelet that restarts calls them not ready until it has probed them again.
for service in envoy-gw contour-gw; do kubectl -n projectcontour patch service $service -p '{"spec":{"publishNotReadyAddresses":true}}' > /dev/null; done
# A connection that was begun to a Pod that has just died leaves an entry that sends the next one with its port there too, for
# 120 s if nothing is said: kube-proxy forgets those of UDP only. Five outlast the pauses in which a client tries again.
$N sysctl -qw net.netfilter.nf_conntrack_tcp_timeout_syn_sent=5
say "up: KUBECONFIG=$KUBECONFIG, gateway $GATEWAY_URL"
