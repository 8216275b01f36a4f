"""Error Log: rows are put on a list of the site's Redis and written later (deferred inserts)."""

import json

from .cast import now
from .database import quote, table
from .naming import hash_name
from .site import local

PREFIX = "insert_queue_for_"


def log_error(title, text):
    """Remember an error of a request or job. Never fails the caller."""
    row = {"method": title[:140], "error": text, "creation": str(now()), "seen": 0}
    try:
        local.cache.redis.rpush(local.cache.key(PREFIX + "Error Log"), json.dumps(row))
    except Exception:  # noqa: BLE001 - the first error is the one to show
        pass


def flush_deferred_inserts():
    """Write what stands on the lists of this site's prefix; the number of rows."""
    written = 0
    redis = local.cache.redis
    for key in redis.scan_iter(match=local.cache.key(PREFIX + "*"), count=500):
        doctype = key.decode().split(PREFIX, 1)[1]
        while raw := redis.lpop(key):
            row = {"name": hash_name(), "modified": now(), "owner": "Administrator", **json.loads(raw)}
            columns = ", ".join(map(quote, row))
            marks = ", ".join(["%s"] * len(row))
            local.db.sql(
                f"INSERT INTO {table(doctype)} ({columns}) VALUES ({marks})", tuple(row.values())
            )
            written += 1
    local.db.commit()
    return written
