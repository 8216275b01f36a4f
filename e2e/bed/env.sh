# Settings of the bed, to be sourced by its scripts, or by a shell: . e2e/bed/env.sh
CROSSFADE_BED=${CROSSFADE_BED:-${TMPDIR:-/tmp}/crossfade-bed}
CROSSFADE_CACHE=${CROSSFADE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/crossfade}
BED_SOURCE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
KUBECONFIG=$CROSSFADE_BED/pki/admin.kubeconfig
# $CROSSFADE_BED/bin is a link into the cache, made by up.sh: kubectl, helm and the daemons.
case ":$PATH:" in *":$CROSSFADE_BED/bin:"*) ;; *) PATH=$CROSSFADE_BED/bin:$PATH ;; esac
GATEWAY_URL=http://10.200.0.2:30080
export CROSSFADE_BED CROSSFADE_CACHE BED_SOURCE KUBECONFIG PATH GATEWAY_URL
