"""Redis: connections by URL, and the cache of a site whose keys begin with `<db_name>|`."""

import json

import redis

_pools = {}


def redis_at(url):
    """A client for a URL; connections are pooled for the life of the process."""
    if not url:
        raise ValueError("failed to reach Redis: redis_cache or redis_queue is not configured")
    if "://" not in url:
        url = "redis://" + url
    if url not in _pools:
        _pools[url] = redis.ConnectionPool.from_url(
            url, socket_connect_timeout=5, health_check_interval=30
        )
    return redis.Redis(connection_pool=_pools[url])


class SiteCache:
    """The cache of one site. A key that is `shared` has no prefix (as `assets_json`)."""

    def __init__(self, conf):
        self.redis = redis_at(conf.get("redis_cache"))
        self.prefix = f"{conf['db_name']}|"

    def key(self, key, shared=False):
        """The key as it stands in Redis."""
        return key if shared else self.prefix + key

    def get(self, key, shared=False):
        """The value of a key, or None."""
        raw = self.redis.get(self.key(key, shared))
        return None if raw is None else json.loads(raw)

    def set(self, key, value, shared=False, seconds=None):
        """Set a key."""
        self.redis.set(self.key(key, shared), json.dumps(value, default=str), ex=seconds)

    def hget(self, key, field):
        """A field of a hash, or None."""
        raw = self.redis.hget(self.prefix + key, field)
        return None if raw is None else json.loads(raw)

    def hset(self, key, field, value):
        """Set a field of a hash."""
        self.redis.hset(self.prefix + key, field, json.dumps(value, default=str))

    def hdel(self, key, *fields):
        """Forget fields of a hash."""
        if fields:
            self.redis.hdel(self.prefix + key, *fields)

    def delete(self, *keys):
        """Forget keys, each by its own DEL."""
        for key in keys:
            self.redis.delete(self.prefix + key)

    def delete_matching(self, pattern):
        """Forget every key of this site that matches a pattern."""
        for key in self.redis.scan_iter(match=self.prefix + pattern, count=500):
            self.redis.delete(key)


# What `clear_cache` forgets; sessions stay.
GLOBAL_KEYS = (
    "doctype_meta",
    "db_tables",
    "defaults",
    "roles",
    "user_permissions",
    "installed_apps",
    "scheduled_jobs",
    "link_fields",
)


def clear_cache(cache):
    """Forget all metadata and cached documents of a site."""
    cache.delete(*GLOBAL_KEYS)
    cache.delete_matching("document_cache::*")


def clear_doctype_cache(db, cache, doctype):
    """Forget one DocType and the DocTypes that have it as a child table."""
    parents = db.sql(
        "SELECT `parent` FROM `tabDocField` WHERE `options` = %s AND `fieldtype` LIKE 'Table%%'",
        (doctype,),
    )
    cache.hdel("doctype_meta", doctype, *[row["parent"] for row in parents if row["parent"]])
    cache.delete("link_fields", "db_tables")
    cache.delete_matching(f"document_cache::{doctype}::*")
