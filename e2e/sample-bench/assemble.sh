#!/bin/sh
# Assemble the files of one version of the sample bench: assemble.sh VERSION OUTDIR
# OUTDIR then holds home/frappe/frappe-bench and usr/local/bin/bench, as in Frappe's images.
set -eu

[ $# -eq 2 ] || { echo "usage: assemble.sh VERSION OUTDIR" >&2; exit 2; }
version=$1 out=$2
here=$(cd "$(dirname "$0")" && pwd)
command -v jq >/dev/null || { echo "failed to assemble: jq is not installed" >&2; exit 1; }

# Print "from number other..." of a version.
version_row() {
    awk -v v="$1" '$1 == v { $1 = ""; print }' "$here/versions.txt"
}

[ -n "$(version_row "$version")" ] || {
    echo "failed to assemble: no version '$version' in $here/versions.txt" >&2
    exit 1
}

# Apply one version's folder of an app to the app's checkout.
apply_version() {
    app=$1 step=$2 checkout=$3
    from="$here/apps/$app/versions/$step"
    [ -d "$from" ] || return 0
    if [ -f "$from/removed" ]; then
        while read -r path; do rm -r "${checkout:?}/$path"; done <"$from/removed"
    fi
    [ ! -d "$from/files" ] || cp -R "$from/files/." "$checkout/"
    if [ -f "$from/changes.json" ]; then
        jq -r 'keys[]' "$from/changes.json" | while read -r file; do
            jq --indent 1 --slurpfile all "$from/changes.json" --arg file "$file" \
                -f "$here/changes.jq" "$checkout/$file" >"$checkout/$file.new"
            mv "$checkout/$file.new" "$checkout/$file"
        done
    fi
    read -r _ number _ <<ROW
$(version_row "$step")
ROW
    sed -i "s/^__version__ = .*/__version__ = \"$number\"/" "$checkout/$app/__init__.py"
}

# The versions from the base up to the one that is wanted, oldest first; what else is in one goes before it.
chain=""
step=$version
while [ "$step" != v1 ]; do
    read -r from _ others <<ROW
$(version_row "$step")
ROW
    chain="$others $step $chain"
    step=$from
done

bench="$out/home/frappe/frappe-bench"
rm -rf "${out:?}/home/frappe/frappe-bench"
mkdir -p "$bench/apps" "$bench/sites/assets" "$bench/config" "$bench/logs" "$bench/env/bin" \
    "$out/usr/local/bin"
mkdir -p "$bench/apps/samplebench"
cp -R "$here/framework/samplebench" "$bench/apps/samplebench/"
for app in shop support; do
    cp -R "$here/apps/$app/base" "$bench/apps/$app"
    for step in $chain; do apply_version "$app" "$step" "$bench/apps/$app"; done
done
find "$bench/apps" -name __pycache__ -prune -exec rm -rf {} +
printf 'samplebench\nshop\nsupport\n' >"$bench/sites/apps.txt"
echo "$version" >"$bench/VERSION"

# Bundles are named by their content, as Frappe's are; every version has its own.
list="{}"
for app in shop support; do
    mkdir -p "$bench/sites/assets/$app/dist"
    bundle="$bench/sites/assets/$app/dist/bundle"
    { cat "$bench/apps/$app/$app/public/$app.bundle.js"; echo "// $version"; } >"$bundle"
    hash=$(sha256sum "$bundle" | cut -c1-8)
    mv "$bundle" "$bench/sites/assets/$app/dist/$app.bundle.$hash.js"
    list=$(echo "$list" | jq --arg k "$app.bundle.js" \
        --arg v "/assets/$app/dist/$app.bundle.$hash.js" '.[$k] = $v')
done
echo "$list" >"$bench/sites/assets/assets.json"

# env/ is a virtual environment over the system's Python, with the apps on its path.
ln -s /usr/bin/python3 "$bench/env/bin/python"
printf 'home = /usr/bin\ninclude-system-site-packages = true\n' >"$bench/env/pyvenv.cfg"
packages="$bench/env/lib/python3.11/site-packages"
mkdir -p "$packages"
printf '../../../../apps/%s\n' samplebench shop support >"$packages/apps.pth"

cat >"$out/usr/local/bin/bench" <<'BENCH'
#!/bin/sh
# The bench command: the sample bench's own, for the bench two folders above.
bench=$(cd "$(dirname "$(readlink -f "$0")")/../../../home/frappe/frappe-bench" && pwd)
exec "$bench/env/bin/python" -P -m samplebench.cli "$@"
BENCH
chmod 755 "$out/usr/local/bin/bench"
