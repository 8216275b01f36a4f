"""Scheduled Job Type: rows from the hooks of the apps, and running one."""

import datetime

from .cast import now
from .document import new_doc
from .app_hooks import scheduler_events
from .site import local
from .whitelist import attribute

SECONDS = {"All": 0, "Hourly": 3600, "Daily": 86400, "Weekly": 604800}


def sync_jobs():
    """Insert the jobs of the hooks, replace those whose frequency changed, clear the others."""
    wanted = dict(scheduler_events())
    rows = local.db.sql("SELECT `name`, `method`, `frequency` FROM `tabScheduled Job Type`")
    have = {row["method"]: row for row in rows}
    for method, row in have.items():
        if wanted.get(method) != row["frequency"]:
            local.db.sql("DELETE FROM `tabScheduled Job Type` WHERE `name` = %s", (row["name"],))
    for method, frequency in wanted.items():
        if method not in have or have[method]["frequency"] != frequency:
            new_doc("Scheduled Job Type", method=method, frequency=frequency).insert()
    local.cache.delete("scheduled_jobs")
    local.db.commit()


def is_due(row):
    """Whether a job should run now. `All` runs at every tick."""
    last = row["last_execution"]
    if last is None:
        return True
    return now() >= last + datetime.timedelta(seconds=SECONDS.get(row["frequency"], 3600))


def run_scheduled_job(job_type):
    """Run the method of a Scheduled Job Type, noting when."""
    local.db.sql(
        "UPDATE `tabScheduled Job Type` SET `last_execution` = %s WHERE `method` = %s",
        (now(), job_type),
    )
    local.db.commit()
    attribute(job_type)()
