#!/bin/bash
# Persistent volumes of the class `bed`: a folder on the node per claim, removed with the claim.
# Runs as a daemon of the node; ends (and is started again) when a watch ends.
set -euo pipefail
export KUBECONFIG=$BED/pki/admin.kubeconfig
kubectl=$BED/bin/kubectl

claims() {
  $kubectl get persistentvolumeclaims -A --watch -o jsonpath='{.metadata.namespace}|{.metadata.name}|{.metadata.uid}|{.status.phase}|{.spec.storageClassName}|{.spec.resources.requests.storage}|{.spec.accessModes}{"\n"}' |
    while IFS='|' read -r namespace name uid phase class size modes; do
      [ "$phase" = Pending ] && [ "$class" = bed ] || continue
      # Pods of any user write here.
      mkdir -p "$BED/volumes/$uid"; chmod 777 "$BED/volumes/$uid"
      $kubectl apply --server-side -f - <<EOF
apiVersion: v1
kind: PersistentVolume
metadata: {name: pvc-$uid}
spec:
  storageClassName: bed
  persistentVolumeReclaimPolicy: Retain
  capacity: {storage: $size}
  accessModes: $modes
  claimRef: {apiVersion: v1, kind: PersistentVolumeClaim, namespace: $namespace, name: $name, uid: $uid}
  hostPath: {path: "$BED/volumes/$uid", type: Directory}
EOF
    done
}

releases() {
  $kubectl get persistentvolumes --watch -o jsonpath='{.metadata.name}|{.status.phase}|{.spec.storageClassName}{"\n"}' |
    while IFS='|' read -r name phase class; do
      [ "$phase" = Released ] && [ "$class" = bed ] || continue
      rm -rf "$BED/volumes/${name#pvc-}"
      $kubectl delete persistentvolume "$name" --wait=false
    done
}

claims & releases &
wait -n || true
# shellcheck disable=SC2046
kill $(jobs -p) 2>/dev/null
