#!/bin/bash
# Installs the Gateway API's CRDs, Contour's gateway provisioner and the Gateway projectcontour/gw (NodePort 30080).
set -euo pipefail
. "$(dirname "$0")/env.sh"
C=$CROSSFADE_BED/bin/contour-manifests
apply() { kubectl apply --server-side --force-conflicts "$@" > /dev/null; }
P=$C/gateway-provisioner
apply -f "$C/gateway/00-crds.yaml" -f "$C/contour/01-crds.yaml"
apply -f "$P/00-common.yaml" -f "$P/01-roles.yaml" -f "$P/02-rolebindings.yaml"
sed -e 's#image: .*#image: localhost/contour:1#' \
  -e 's#- --enable-leader-election#- --contour-image=localhost/contour:1\n        - --envoy-image=localhost/envoy:1#' "$P/03-gateway-provisioner.yaml" | apply -f -
kubectl wait --for=condition=Established crd/gateways.gateway.networking.k8s.io crd/httproutes.gateway.networking.k8s.io crd/contourdeployments.projectcontour.io --timeout=60s
apply -f "$BED_SOURCE/manifests/gateway.yaml"
