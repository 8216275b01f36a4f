"""`bench migrate`, in Frappe's order. It sets no maintenance mode and takes no database lock."""

import fcntl
import time
from contextlib import contextmanager

from .cache import clear_cache
from .controllers import import_controller
from .error_log import flush_deferred_inserts
from .app_hooks import app_version
from .metadata_rows import delete_rows
from .naming import hash_name
from .cast import now
from .patches import run_all
from .background_jobs import enqueue
from .scheduled_jobs import sync_jobs
from .site import SITES, installed_app_names, local
from .sync import sync_app


@contextmanager
def file_lock(name, seconds=1.0):
    """A lock in the site's own folder: it does not exclude another bench of the same site."""
    folder = SITES / local.site / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + seconds
    with (folder / f"{name}.lock").open("w") as handle:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except OSError as error:
                if time.monotonic() > deadline:
                    raise RuntimeError(
                        f"failed to lock {handle.name}: another migrate of this bench runs"
                    ) from error
                time.sleep(0.05)
        yield


def remove_orphan_doctypes():
    """Delete the metadata of every standard DocType whose class this image cannot import."""
    rows = local.db.sql("SELECT `name`, `module` FROM `tabDocType` WHERE `custom` = 0")
    for row in rows:
        try:
            import_controller(row["name"], row["module"])
        except ImportError:
            print(f"Removing orphaned DocType {row['name']}", flush=True)
            delete_rows(local.db, row["name"])
            local.cache.hdel("doctype_meta", row["name"])
    local.db.commit()


def update_versions():
    """Rewrite Installed Application with the versions of this image."""
    db = local.db
    db.sql("DELETE FROM `tabInstalled Application`")
    for index, app in enumerate(installed_app_names(), 1):
        stamp = now()
        db.sql(
            "INSERT INTO `tabInstalled Application` (`name`, `creation`, `modified`, `modified_by`,"
            " `owner`, `idx`, `app_name`, `app_version`, `git_branch`, `parent`, `parentfield`,"
            " `parenttype`) VALUES (%s, %s, %s, 'Administrator', 'Administrator', %s, %s, %s, '',"
            " 'Installed Applications', 'installed_applications', 'Installed Applications')",
            (hash_name(), stamp, stamp, index, app, app_version(app)),
        )
    db.commit()


def migrate(skip_search_index=False):
    """Migrate the current site."""
    begin = time.monotonic()
    print(f"Migrating {local.site}", flush=True)
    with file_lock("bench_migrate"):
        clear_cache(local.cache)
        local.db.sql_ddl(
            "ALTER TABLE `tabDocType` ADD COLUMN IF NOT EXISTS `migration_hash` varchar(140)"
        )
        run_all("pre_model_sync")
        for app in installed_app_names():
            sync_app(app)
        local.meta.clear()
        run_all("post_model_sync")
        print("Syncing jobs...", flush=True)
        sync_jobs()
        flush_deferred_inserts()
        print("Removing orphan doctypes...", flush=True)
        remove_orphan_doctypes()
        update_versions()
        clear_cache(local.cache)
    if not skip_search_index:
        enqueue("samplebench.desk_methods.build_index", queue="long")
        print(f"Queued rebuilding of search index for {local.site}", flush=True)
    print(f"Migrated {local.site} in {time.monotonic() - begin:.1f}s", flush=True)
