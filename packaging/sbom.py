#!/usr/bin/env python3
"""sbom.py FILE FOLDER PAGE LIBC: makes cargo-cyclonedx's bill of materials one of the whole program, that can be made again, and be attested.

What no crate brings is added: the npm packages that the editor's page holds, from the list PAGE that its build writes, and the libc
that is linked statically, which LIBC, the first line of `ldd --version`, names. The folder in which the source lay becomes
/crossfade. The serial number, which the tool draws by chance or leaves out, and without which GitHub's attestation does not take
the file for CycloneDX, is made from all that is said in it.
"""
import json
import re
import sys
import uuid
from urllib.parse import quote


def library(name, version, licence, purl):
    return {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        "version": version,
        "scope": "required",
        "licenses": [{"expression": licence}],
        "purl": purl,
    }


def package(entry):
    name, version, licence = (entry.get(key) for key in ("name", "version", "license"))
    if not (name and version and licence):
        sys.exit(f"a package of the page without name, version or licence: {entry}")
    return library(name, version, licence, f"pkg:npm/{quote(name)}@{quote(version, safe='')}")


def glibc(line):
    said = re.fullmatch(r"ldd \((Debian )?.*?(\S+)\) (\d[\d.]*)", line)
    if not said:
        sys.exit(f"no version of glibc: {line}")
    debian, revision, version = said.groups()
    if debian:
        version, purl = revision, f"pkg:deb/debian/glibc@{quote(revision, safe='')}?arch=source"
    else:
        purl = f"pkg:generic/glibc@{version}"
    return library("glibc", version, "LGPL-2.1-or-later", purl)


def main():
    path, folder, page, libc = sys.argv[1:]
    with open(path, encoding="utf-8") as f:
        text = f.read()
    text = text.replace(f"path+file://{folder}#", "path+file:///crossfade#")
    if other := re.search(r"path\+file://(?!/crossfade#)[^\"]*", text):
        sys.exit(f"{path} names {other[0]}, which is not in {folder}: another machine would write another one")
    bom = json.loads(text)
    with open(page, encoding="utf-8") as f:
        others = [*map(package, json.load(f)), glibc(libc)]
    bom["components"].extend(others)
    program = bom["metadata"]["component"]["bom-ref"]
    [needs] = (each for each in bom["dependencies"] if each["ref"] == program)
    needs.setdefault("dependsOn", []).extend(each["bom-ref"] for each in others)
    bom["dependencies"].extend({"ref": each["bom-ref"]} for each in others)
    bom.pop("serialNumber", None)
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(bom, sort_keys=True))
    # Where the schema has it: after what the format is.
    head = {key: bom.pop(key) for key in ("bomFormat", "specVersion")}
    with open(path, "w", encoding="utf-8") as f:
        json.dump({**head, "serialNumber": f"urn:uuid:{serial}", **bom}, f, indent=2, ensure_ascii=False)
        f.write("\n")


if __name__ == "__main__":
    main()
