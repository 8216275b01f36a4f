"""Which bench, which site, which configuration: read anew for every request and every job.

Nothing of a site is kept between two requests, so a `site_config.json` that is replaced
(also through a symlink that the kubelet swaps) moves the next request to another database.
"""

import json
import os
import threading
from contextlib import contextmanager
from pathlib import Path

from .errors import PageDoesNotExistError

# <bench>/apps/samplebench/samplebench/site.py
BENCH = Path(__file__).resolve().parents[3]
SITES = BENCH / "sites"

# What the current request or job works with: site, conf, db, user, meta, form, messages.
local = threading.local()

ENVIRONMENT = {
    "FRAPPE_REDIS_CACHE": "redis_cache",
    "FRAPPE_REDIS_QUEUE": "redis_queue",
    "FRAPPE_DB_HOST": "db_host",
    "FRAPPE_DB_PORT": "db_port",
    "FRAPPE_DB_TYPE": "db_type",
}


def read_json(path):
    """The JSON object in a file; {} when there is none. A broken file is named in the error."""
    try:
        text = Path(path).read_text()
    except FileNotFoundError:
        return {}
    try:
        return json.loads(text)
    except ValueError as error:
        raise ValueError(f"failed to read {path}: not JSON ({error})") from error


def common_config():
    """The configuration of the bench with the environment laid over it."""
    conf = read_json(SITES / "common_site_config.json")
    for variable, key in ENVIRONMENT.items():
        if os.environ.get(variable):
            conf[key] = os.environ[variable]
    return conf


def site_config(site):
    """The configuration of one site: the bench's, the site's, then the environment."""
    path = SITES / site / "site_config.json"
    if "/" in site or site.startswith(".") or not path.exists():
        raise PageDoesNotExistError(f"{site} does not exist")
    conf = read_json(SITES / "common_site_config.json")
    conf.update(read_json(path))
    for variable, key in ENVIRONMENT.items():
        if os.environ.get(variable):
            conf[key] = os.environ[variable]
    return conf


def bench_id():
    """The name that parts the queues of benches on one Redis; from the bench's configuration."""
    return common_config().get("bench_id") or str(BENCH).strip("/").replace("/", "-")


def all_sites():
    """The names of the sites of this bench."""
    return sorted(p.parent.name for p in SITES.glob("*/site_config.json"))


def installed_app_names():
    """The apps of `sites/apps.txt`, in order."""
    return [line.strip() for line in (SITES / "apps.txt").read_text().splitlines() if line.strip()]


@contextmanager
def site_context(site, user="Administrator"):
    """Work on a site: its configuration, cache and (opened at the first query) database."""
    from .cache import SiteCache
    from .database import Database

    local.site = site
    local.conf = site_config(site)
    local.db = Database(local.conf)
    local.cache = SiteCache(local.conf)
    local.user = user
    local.meta = {}
    local.messages = []
    local.form = {}
    local.sid = None
    try:
        yield local
    finally:
        local.db.close()
        local.meta = {}
