#!/bin/bash
# manifests.sh: prints the operator's manifests as the chart makes them by default, for those who install without helm.
# helm is taken from HELM or from tools.txt.
set -euo pipefail
cd "$(dirname "$0")/.."
helm=${HELM:-$(packaging/tool.sh helm)/helm}
echo "# Generated from charts/crossfade by \`make manifests\`. Settings of your own: a kustomization over this folder, or the chart."
# Without the marks of helm, which does not own these objects.
"$helm" template crossfade charts/crossfade --namespace crossfade --kube-version 1.34.0 |
  sed -e '/^# Source: /d' -e '/^ *helm.sh\/chart: /d' -e '/^ *app.kubernetes.io\/managed-by: Helm$/d'
