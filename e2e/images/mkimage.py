#!/usr/bin/env python3
"""Makes an OCI image archive that `ctr images import` takes, without a registry.

The same input gives the same digests: names sorted, times 0, owners stated.
With --on, the archive names the base's layers without carrying them: containerd must have imported the base before.
"""
import argparse
import hashlib
import io
import json
import os
import stat
import tarfile
import tempfile

LAYER = "application/vnd.oci.image.layer.v1.tar"


def parse():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("out")
    p.add_argument("name", help="for example localhost/redis:7")
    p.add_argument("--on", help="archive of the base image")
    p.add_argument("--layer-tar", help="a ready layer, taken as it is")
    p.add_argument("--tree", help="folder whose content is laid over /")
    p.add_argument("--tree-owner", default="0:0", help="owner of what is below home/ in the tree")
    p.add_argument("--entrypoint", default="[]")
    p.add_argument("--user", default="")
    p.add_argument("--workdir", default="/")
    p.add_argument("--env", action="append", default=[])
    p.add_argument("files", nargs="*", help="SOURCE=PATH, or @TARGET=PATH for a link")
    return p.parse_intermixed_args()


class Layer:
    """A tar file with sorted, dated-0 members and each parent folder once."""

    def __init__(self, fileobj):
        self.tar = tarfile.open(fileobj=fileobj, mode="w", format=tarfile.PAX_FORMAT)
        self.seen = {""}

    def member(self, path, mode, owner=(0, 0)):
        info = tarfile.TarInfo(path)
        info.mode, (info.uid, info.gid) = mode, owner
        return info

    def folder(self, path, mode=0o755, owner=(0, 0)):
        if path in self.seen:
            return
        self.folder(os.path.dirname(path))
        self.seen.add(path)
        info = self.member(path, 0o1777 if path == "tmp" else mode, owner)
        info.type = tarfile.DIRTYPE
        self.tar.addfile(info)

    def link(self, path, target, owner=(0, 0)):
        self.folder(os.path.dirname(path))
        info = self.member(path, 0o777, owner)
        info.type, info.linkname = tarfile.SYMTYPE, target
        self.tar.addfile(info)

    def file(self, path, source, owner=(0, 0)):
        self.folder(os.path.dirname(path))
        executable = os.stat(source).st_mode & stat.S_IXUSR
        info = self.member(path, 0o755 if executable else 0o644, owner)
        info.size = os.path.getsize(source)
        with open(source, "rb") as f:
            self.tar.addfile(info, f)

    def add_tree(self, root, home_owner):
        for folder, folders, files in os.walk(root):
            folders[:] = sorted(d for d in folders if d != "__pycache__")
            for name in sorted(folders + files):
                source = os.path.join(folder, name)
                path = os.path.relpath(source, root)
                # /home itself is root's, as everywhere.
                owner = home_owner if path.startswith("home/") else (0, 0)
                if os.path.islink(source):
                    self.link(path, os.readlink(source), owner)
                    if name in folders:
                        folders.remove(name)
                elif os.path.isdir(source):
                    self.folder(path, stat.S_IMODE(os.stat(source).st_mode), owner)
                else:
                    self.file(path, source, owner)


def build_layer(args, fileobj):
    layer = Layer(fileobj)
    for path in ("etc", "tmp"):
        if not args.on:
            layer.folder(path)
    if args.tree:
        uid, gid = args.tree_owner.split(":")
        layer.add_tree(args.tree, (int(uid), int(gid)))
    for pair in sorted(args.files, key=lambda pair: pair.split("=", 1)[1]):
        source, path = pair.split("=", 1)
        if source.startswith("@"):
            layer.link(path.lstrip("/"), source[1:])
        else:
            layer.file(path.lstrip("/"), source)
    layer.tar.close()


def sha256(fileobj):
    fileobj.seek(0)
    digest = hashlib.sha256()
    while block := fileobj.read(1 << 20):
        digest.update(block)
    return "sha256:" + digest.hexdigest(), fileobj.tell()


def base_layers(archive):
    with tarfile.open(archive) as tar:
        read = lambda name: json.load(tar.extractfile(name))
        blob = lambda digest: "blobs/" + digest.replace(":", "/")
        return read(blob(read("index.json")["manifests"][0]["digest"]))["layers"]


def main():
    args = parse()
    layers = base_layers(args.on) if args.on else []
    blobs = []  # (digest, size, file)
    if args.layer_tar:
        f = open(args.layer_tar, "rb")
        blobs.append((*sha256(f), f))
    if args.tree or args.files:
        f = tempfile.TemporaryFile()
        build_layer(args, f)
        blobs.append((*sha256(f), f))
    layers += [{"mediaType": LAYER, "digest": d, "size": s} for d, s, _ in blobs]

    def document(value):
        data = json.dumps(value, sort_keys=True).encode()
        digest = "sha256:" + hashlib.sha256(data).hexdigest()
        blobs.append((digest, len(data), io.BytesIO(data)))
        return {"digest": digest, "size": len(data)}

    config = document({
        "architecture": "amd64", "os": "linux", "created": "1970-01-01T00:00:00Z",
        "config": {
            "Entrypoint": json.loads(args.entrypoint), "User": args.user, "WorkingDir": args.workdir,
            "Env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", *args.env],
        },
        # The layers are not compressed, so their digests are the diff ids.
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"] for layer in layers]},
    })
    manifest = document({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", **config}, "layers": layers,
    })
    index = {"schemaVersion": 2, "manifests": [{
        "mediaType": "application/vnd.oci.image.manifest.v1+json", **manifest,
        "annotations": {"io.containerd.image.name": args.name},
    }]}
    with tarfile.open(args.out, "w") as tar:
        def put(name, size, f):
            info = tarfile.TarInfo(name)
            info.size = size
            f.seek(0)
            tar.addfile(info, f)
        for name, value in (("index.json", index), ("oci-layout", {"imageLayoutVersion": "1.0.0"})):
            data = json.dumps(value).encode()
            put(name, len(data), io.BytesIO(data))
        for digest, size, f in blobs:
            put("blobs/" + digest.replace(":", "/"), size, f)


if __name__ == "__main__":
    main()
