"""The scheduler: at every tick, for every site, enqueue the jobs that are due.

The configuration is read anew at each tick, so `pause_scheduler` and `maintenance_mode` in
site_config.json take effect at the next one.
"""

import signal
import threading
import traceback

from .cast import cint
from .background_jobs import enqueue
from .scheduled_jobs import is_due
from .site import all_sites, common_config, local, site_context

TICK_SECONDS = 1.0


def is_inactive():
    """Why the scheduler does nothing for the current site, or None."""
    for key in ("maintenance_mode", "pause_scheduler", "disable_scheduler"):
        if local.conf.get(key):
            return key
    enabled = local.db.single_value("System Settings", "enable_scheduler")
    return "System Settings" if enabled is not None and not cint(enabled) else None


def enqueue_due(site):
    """Enqueue what is due on one site; the methods."""
    with site_context(site):
        if is_inactive():
            return []
        due = []
        for row in local.db.sql("SELECT * FROM `tabScheduled Job Type` WHERE `stopped` = 0"):
            if not is_due(row):
                continue
            queue = "long" if row["frequency"] in ("Daily", "Weekly") else "default"
            job = enqueue(
                "samplebench.scheduled_jobs.run_scheduled_job",
                queue=queue,
                job_id=f"scheduled_job::{row['method']}",
                deduplicate=True,
                job_type=row["method"],
            )
            if job:
                due.append(row["method"])
        return due


def run():
    """Tick until SIGTERM; the exit code."""
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    signal.signal(signal.SIGINT, lambda *_: stopping.set())
    print("Scheduler started", flush=True)
    while not stopping.is_set():
        for site in all_sites():
            try:
                enqueue_due(site)
            except Exception:  # noqa: BLE001 - one site's trouble is not another's
                print(f"failed to enqueue jobs of {site}:\n{traceback.format_exc()}", flush=True)
        stopping.wait(float(common_config().get("scheduler_tick_interval") or TICK_SECONDS))
    print("Scheduler stopped", flush=True)
    return 0
