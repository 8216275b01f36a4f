"""Background jobs in RQ's key layout, on queues named `<bench_id>:<queue>`.

Keys: `rq:queues` (set), `rq:queue:<name>` (list of job ids), `rq:job:<id>` (hash),
`rq:wip|finished|failed|scheduled:<name>` (sorted sets), `rq:worker:<name>` (hash), `rq:workers`.
The payload (`data`) is zlib over JSON, where RQ has a pickle: only our worker reads it.
"""

import datetime
import json
import time
import uuid
import zlib

from .cache import redis_at
from .site import bench_id, local

QUEUES = ("short", "default", "long")
RESULT_SECONDS = 600
# RQ's 30 s between two signs of life of a worker and 60 more; jobs here take no longer than a minute and give none.
LOST_SECONDS = 90


def queue_name(queue, bench=None):
    """The full name of a queue."""
    if queue not in QUEUES:
        raise ValueError(f"Queue should be one of {', '.join(QUEUES)}")
    return f"{bench or bench_id()}:{queue}"


def timestamp():
    """The time as RQ writes it."""
    return datetime.datetime.utcnow().strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def queue_redis(conf):
    """The Redis that holds the queues."""
    return redis_at(conf.get("redis_queue"))


def enqueue(method, queue="default", job_id=None, delay=0, deduplicate=False, **kwargs):
    """Put a call of a dotted path on a queue; the job's id, None when it waits or runs already.

    `delay` in seconds puts it on the scheduled set. In the context of a site the queue follows
    the site's `bench_id` if it has one (as in Frappe: then no worker may listen there).
    """
    redis = queue_redis(local.conf)
    name = queue_name(queue, local.conf.get("bench_id"))
    job = f"{local.site}||{job_id or uuid.uuid4()}"
    if deduplicate and redis.hget(f"rq:job:{job}", "status") in (b"queued", b"started", b"scheduled"):
        return None
    call = {"site": local.site, "method": method, "user": local.user, "kwargs": kwargs}
    pipe = redis.pipeline()
    pipe.sadd("rq:queues", f"rq:queue:{name}")
    pipe.delete(f"rq:job:{job}")
    pipe.hset(
        f"rq:job:{job}",
        mapping={
            "created_at": timestamp(),
            "enqueued_at": timestamp(),
            "origin": name,
            "description": method,
            "status": "scheduled" if delay else "queued",
            "timeout": 300,
            "data": zlib.compress(json.dumps(call, default=str).encode()),
        },
    )
    if delay:
        pipe.zadd(f"rq:scheduled:{name}", {job: time.time() + delay})
    else:
        pipe.rpush(f"rq:queue:{name}", job)
    pipe.execute()
    return job


def move_due(redis, name):
    """Put scheduled jobs whose time has come on their queue."""
    for job in redis.zrangebyscore(f"rq:scheduled:{name}", 0, time.time(), start=0, num=50):
        if redis.zrem(f"rq:scheduled:{name}", job):
            key = job.decode()
            redis.hset(f"rq:job:{key}", "status", "queued")
            redis.rpush(f"rq:queue:{name}", job)


def fail_lost(redis, name):
    """Fail the jobs whose worker could not tell how they ended (RQ's maintenance; until then an id is not free again)."""
    for job in redis.zrangebyscore(f"rq:wip:{name}", 0, time.time()):
        if redis.zrem(f"rq:wip:{name}", job):
            redis.hset(f"rq:job:{job.decode()}", "status", "failed")
            redis.zadd(f"rq:failed:{name}", {job: time.time() + RESULT_SECONDS})


def payload(redis, job):
    """The call of a job, or None when its hash is gone."""
    raw = redis.hget(f"rq:job:{job}", "data")
    return None if raw is None else json.loads(zlib.decompress(raw))


def started(redis, name, job, worker):
    """The job is being worked on."""
    pipe = redis.pipeline()
    pipe.hset(
        f"rq:job:{job}",
        mapping={"status": "started", "started_at": timestamp(), "worker_name": worker},
    )
    pipe.zadd(f"rq:wip:{name}", {job: time.time() + LOST_SECONDS})
    pipe.hset(f"rq:worker:{worker}", mapping={"state": "busy", "current_job": job})
    pipe.execute()


def ended(redis, name, job, worker, error=None):
    """The job is done: finished, or failed with a traceback."""
    status = "failed" if error else "finished"
    mapping = {"status": status, "ended_at": timestamp()}
    if error:
        mapping["exc_info"] = zlib.compress(error.encode())
    pipe = redis.pipeline()
    pipe.hset(f"rq:job:{job}", mapping=mapping)
    pipe.expire(f"rq:job:{job}", RESULT_SECONDS)
    pipe.zadd(f"rq:{status}:{name}", {job: time.time() + RESULT_SECONDS})
    pipe.zremrangebyscore(f"rq:{status}:{name}", 0, time.time())
    pipe.zrem(f"rq:wip:{name}", job)
    pipe.hset(f"rq:worker:{worker}", mapping={"state": "idle"})
    pipe.hdel(f"rq:worker:{worker}", "current_job")
    pipe.hincrby(f"rq:worker:{worker}", f"{'failed' if error else 'successful'}_job_count", 1)
    pipe.execute()
