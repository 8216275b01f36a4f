"""The sync of migrate: every DocType JSON of the apps whose hash differs from the stored one."""

import hashlib
import json
from pathlib import Path

from .cache import clear_doctype_cache
from .controllers import modules_of, scrub
from .app_hooks import app_hooks
from .metadata_rows import BOOTSTRAP, delete_rows, insert_rows
from .meta import forget, read_meta
from .schema import sync_table
from .site import local


def doctype_files(app):
    """The JSON files of an app's DocTypes, the metadata of metadata first, then by path."""
    package = Path(app_hooks(app).__file__).parent
    files = []
    for module in modules_of(app):
        for folder in sorted((package / scrub(module) / "doctype").glob("*/")):
            path = folder / f"{folder.name}.json"
            if path.exists():
                files.append(path)
    first = [scrub(name) for name in ("DocField", "DocPerm", *BOOTSTRAP)]
    rank = {name: index for index, name in enumerate(first)}
    return sorted(files, key=lambda p: (rank.get(p.parent.name, len(rank)), str(p)))


def updatedb(doctype):
    """Bring the table of a DocType to what its metadata rows say; the statements sent."""
    data = read_meta(local.db, doctype)
    length = 255 if doctype in ("DocType", "DocField", "DocPerm", "DefaultValue") else 140
    return sync_table(local.db, data["doctype"], data["fields"], length)


def sync_file(path, force=False):
    """Import one JSON file unless its hash is the stored one; the statements, None if skipped.

    Frappe's order: the old rows go, the new rows come, the DDL commits them and runs, the cache
    is cleared, the hash is noted last. A DDL that fails leaves the new rows behind.
    """
    content = path.read_bytes()
    source = json.loads(content)
    name, digest = source["name"], hashlib.md5(content, usedforsecurity=False).hexdigest()
    stored = local.db.value("SELECT `migration_hash` FROM `tabDocType` WHERE `name` = %s", (name,))
    if stored == digest and not force:
        return None
    delete_rows(local.db, name)
    insert_rows(local.db, source)
    forget(name)
    statements = updatedb(name)
    clear_doctype_cache(local.db, local.cache, name)
    local.db.sql(
        "UPDATE `tabDocType` SET `migration_hash` = %s WHERE `name` = %s", (digest, name)
    )
    local.db.commit()
    return statements


def sync_app(app, force=False):
    """Sync all DocTypes of an app, with a line for each that is not skipped."""
    files = doctype_files(app)
    for index, path in enumerate(files, 1):
        try:
            statements = sync_file(path, force)
        except Exception as error:
            raise type(error)(*error.args, f"while syncing {path}") from error
        if statements is not None:
            name = path.parent.name
            print(f"Updating DocTypes for {app}: {name} ({index}/{len(files)})", flush=True)
            for statement in statements:
                print(f"    {statement}", flush=True)
    print(f"Updating DocTypes for {app:<16}: [{'=' * 40}] 100%", flush=True)
