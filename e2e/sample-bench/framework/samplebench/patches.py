"""Patches: lines of patches.txt, each run once per site, remembered in tabPatch Log."""

import time
import traceback
from pathlib import Path

from .document import new_doc
from .app_hooks import app_hooks
from .site import installed_app_names, local
from .whitelist import attribute

SECTIONS = ("pre_model_sync", "post_model_sync")


def patches_of(app, section):
    """The lines of a section; a file without sections is all pre_model_sync."""
    path = Path(app_hooks(app).__file__).parent / "patches.txt"
    if not path.exists():
        return []
    found = {name: [] for name in SECTIONS}
    current = "pre_model_sync"
    for line in path.read_text().splitlines():
        line = line.strip()
        if line.startswith("[") and line.endswith("]"):
            current = line[1:-1]
            if current not in found:
                raise ValueError(f"failed to read {path}: unknown section {line}")
        elif line and not line.startswith("#"):
            found[current].append(line)
    return found[section]


def was_run(line):
    """Whether a line, comment and all, stands in tabPatch Log."""
    found = local.db.value(
        "SELECT `name` FROM `tabPatch Log` WHERE `patch` = %s AND `skipped` = 0 LIMIT 1", (line,)
    )
    return found is not None


def log_patch(line):
    """Note that a patch was run."""
    new_doc("Patch Log", patch=line).insert()


def run_patch(line):
    """Run one patch in its own transaction."""
    path = line.split("#", 1)[0].split(maxsplit=1)[0]
    print(f"Executing {path} in {local.site} ({local.conf['db_name']})", flush=True)
    begin = time.monotonic()
    local.db.commit()
    try:
        attribute(f"{path}.execute")()
        log_patch(line)
        local.db.commit()
    except Exception:
        local.db.rollback()
        print(traceback.format_exc(), flush=True)
        raise
    print(f"Success: Done in {time.monotonic() - begin:.3f}s", flush=True)


def run_all(section):
    """Run what was not run yet of a section, over all apps in order."""
    for app in installed_app_names():
        for line in patches_of(app, section):
            if not was_run(line):
                run_patch(line)


def mark_all_as_run(app):
    """A new site needs no patch of an app that it has just got."""
    for section in SECTIONS:
        for line in patches_of(app, section):
            if not was_run(line):
                log_patch(line)
