#!/usr/bin/env python3
"""sbom.py FILE FOLDER: makes a bill of materials of cargo-cyclonedx one that can be made again, and be attested.

The folder in which the source lay becomes /crossfade. The serial number, which the tool draws by chance or leaves out, and without
which GitHub's attestation does not take the file for CycloneDX, is made from all that is said in it.
"""
import json
import re
import sys
import uuid


def main():
    path, folder = sys.argv[1:]
    with open(path, encoding="utf-8") as f:
        text = f.read()
    text = text.replace(f"path+file://{folder}#", "path+file:///crossfade#")
    if other := re.search(r"path\+file://(?!/crossfade#)[^\"]*", text):
        sys.exit(f"{path} names {other[0]}, which is not in {folder}: another machine would write another one")
    bom = json.loads(text)
    bom.pop("serialNumber", None)
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(bom, sort_keys=True))
    # Where the schema has it: after what the format is.
    head = {key: bom.pop(key) for key in ("bomFormat", "specVersion")}
    with open(path, "w", encoding="utf-8") as f:
        json.dump({**head, "serialNumber": f"urn:uuid:{serial}", **bom}, f, indent=2, ensure_ascii=False)
        f.write("\n")


if __name__ == "__main__":
    main()
