#!/bin/bash
# The node's first process (pid 1 of its pid namespace): starts the daemons, and ends with them.
set -u
P=$BED/pki; L=$BED/log; SOCK=/run/containerd/containerd.sock
hostname node1
mount --make-rshared /
mount -t tmpfs -o mode=755 tmpfs /run          # private: sockets, shims, pods' network namespaces
mkdir -p /run/netns /run/lock /run/containerd
for d in "kubelet /var/lib/kubelet" "podlogs /var/log/pods" "cni/conf /etc/cni/net.d" "cni/state /var/lib/cni"; do
  set -- $d; mkdir -p "$2"; mount --bind "$BED/$1" "$2"; mount --make-rshared "$2"
done
mkdir -p /var/log/containers /run/sysctl
# The kubelet wants these kernel settings and would write them for the whole machine: it is shown files that hold them already.
for v in vm/overcommit_memory=1 vm/panic_on_oom=0 kernel/panic=10 kernel/panic_on_oops=1 kernel/keys/root_maxkeys=1000000 kernel/keys/root_maxbytes=25000000; do
  f=/run/sysctl/$(basename ${v%=*}); echo ${v#*=} > $f; mount --bind $f /proc/sys/${v%=*}
done
: > "$BED/resolv.conf"

cat > $BED/containerd.toml <<EOF
version = 2
root = "$BED/containerd"
state = "/run/containerd"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.internal.v1.opt", "io.containerd.tracing.processor.v1.otlp"]
[grpc]
  address = "$SOCK"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "localhost/pause:1"
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        BinaryName = "${BEDTIME:-runc}"
        SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "/etc/cni/net.d"
EOF
cat > $BED/cni/conf/10-e2e.conflist <<EOF
{"cniVersion": "1.0.0", "name": "e2e", "plugins": [
 {"type": "bridge", "bridge": "cni0", "isGateway": true, "ipMasq": false, "hairpinMode": true,
  "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.244.0.0/22"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
 {"type": "portmap", "capabilities": {"portMappings": true}}]}
EOF
cat > $BED/kubelet.yaml <<EOF
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
address: 0.0.0.0
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: $P/ca.crt}}
authorization: {mode: Webhook}
tlsCertFile: $P/kubelet-server.crt
tlsPrivateKeyFile: $P/kubelet-server.key
containerRuntimeEndpoint: unix://$SOCK
cgroupDriver: cgroupfs
failCgroupV1: false
failSwapOn: false
oomScoreAdj: 0
clusterDNS: [10.96.0.10]
clusterDomain: cluster.local
resolvConf: $BED/resolv.conf
maxPods: 250
registryPullQPS: 50
eventRecordQPS: 50
imageGCHighThresholdPercent: 100
imageGCLowThresholdPercent: 99
evictionHard: {memory.available: 100Mi, nodefs.available: 1%, imagefs.available: 1%, nodefs.inodesFree: 1%}
shutdownGracePeriod: 0s
EOF
cat > $BED/proxy.yaml <<EOF
apiVersion: kubeproxy.config.k8s.io/v1alpha1
kind: KubeProxyConfiguration
mode: ${PROXY_MODE:-iptables}
clientConnection: {kubeconfig: $P/proxy.kubeconfig}
clusterCIDR: 10.244.0.0/16
hostnameOverride: node1
oomScoreAdj: 0
conntrack: {maxPerCore: 0, min: 0, tcpEstablishedTimeout: 0s, tcpCloseWaitTimeout: 0s}
EOF

# Each daemon is started again when it ends, as a service manager would, unless $BED/hold/NAME exists.
mkdir -p $BED/pids $BED/hold; rm -f $BED/pids/* $BED/hold/*
run() {
  local n=$1; shift
  ( while :; do
      "$@" >> "$L/$n.log" 2>&1 & echo $! > $BED/pids/$n; echo "$(date +%T) $n pid $!"
      wait $!; echo "$(date +%T) $n ended: $?"
      sleep 0.5; while [ -e $BED/hold/$n ]; do sleep 0.2; done
    done ) &
}
run containerd containerd --config $BED/containerd.toml
# Pods need the pause image first; up.sh loads the others meanwhile.
( until [ -S $SOCK ]; do sleep 0.1; done; ctr -a $SOCK -n k8s.io images import "$BED/images/pause.tar" && touch /run/pause-imported ) &
run etcd $BED/bin/etcd --name e2e --data-dir $BED/etcd --unsafe-no-fsync --listen-client-urls http://127.0.0.1:2379 --advertise-client-urls http://127.0.0.1:2379 \
  --listen-peer-urls http://127.0.0.1:2380 --initial-advertise-peer-urls http://127.0.0.1:2380 --initial-cluster e2e=http://127.0.0.1:2380 --quota-backend-bytes 2147483648 --logger zap --log-level warn
run apiserver $BED/bin/kube-apiserver --bind-address 0.0.0.0 --secure-port 6443 --advertise-address $NODE_IP \
  --etcd-servers http://127.0.0.1:2379 --service-cluster-ip-range 10.96.0.0/16 --allow-privileged \
  --authorization-mode Node,RBAC --enable-admission-plugins NodeRestriction \
  --client-ca-file $P/ca.crt --tls-cert-file $P/apiserver.crt --tls-private-key-file $P/apiserver.key \
  --kubelet-client-certificate $P/apiserver-kubelet-client.crt --kubelet-client-key $P/apiserver-kubelet-client.key \
  --kubelet-certificate-authority $P/ca.crt --kubelet-preferred-address-types InternalIP \
  --service-account-issuer https://kubernetes.default.svc.cluster.local --service-account-key-file $P/sa.pub --service-account-signing-key-file $P/sa.key \
  --requestheader-client-ca-file $P/front-proxy-ca.crt --requestheader-allowed-names front-proxy-client --requestheader-extra-headers-prefix X-Remote-Extra- \
  --requestheader-group-headers X-Remote-Group --requestheader-username-headers X-Remote-User \
  --proxy-client-cert-file $P/front-proxy-client.crt --proxy-client-key-file $P/front-proxy-client.key ${APISERVER_EXTRA:-}
until curl -sf --max-time 2 --cacert $P/ca.crt --cert $P/admin.crt --key $P/admin.key https://127.0.0.1:6443/readyz > /dev/null; do sleep 0.2; done
run controller-manager $BED/bin/kube-controller-manager --bind-address 127.0.0.1 --kubeconfig $P/controller-manager.kubeconfig --authentication-kubeconfig $P/controller-manager.kubeconfig --authorization-kubeconfig $P/controller-manager.kubeconfig \
  --leader-elect=false --use-service-account-credentials --root-ca-file $P/ca.crt --service-account-private-key-file $P/sa.key \
  --cluster-signing-cert-file $P/ca.crt --cluster-signing-key-file $P/ca.key --allocate-node-cidrs=false --requestheader-client-ca-file $P/front-proxy-ca.crt
run scheduler $BED/bin/kube-scheduler --bind-address 127.0.0.1 --kubeconfig $P/scheduler.kubeconfig --authentication-kubeconfig $P/scheduler.kubeconfig --authorization-kubeconfig $P/scheduler.kubeconfig --leader-elect=false
until [ -e /run/pause-imported ]; do sleep 0.1; done
run kubelet $BED/bin/kubelet --config $BED/kubelet.yaml --kubeconfig $P/kubelet.kubeconfig --hostname-override node1 --node-ip $NODE_IP ${KUBELET_EXTRA:-}
run provisioner "$(dirname "$0")/provision.sh"
run kube-proxy $BED/bin/kube-proxy --config $BED/proxy.yaml
while :; do wait -n; done
