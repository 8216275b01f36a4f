"""A worker: takes jobs from its bench's queues, one at a time, each in a context of its site.

SIGTERM and SIGINT are a warm shutdown: the job is finished, then the process ends with 0.
"""

import os
import signal
import socket
import time
import traceback
import uuid

import redis as redis_errors

from . import background_jobs as queue
from .error_log import log_error
from .errors import QueryDeadlockError, QueryTimeoutError
from .site import bench_id, common_config, local, site_context
from .whitelist import attribute

RETRIES = 5
TTL = 420


def execute(call):
    """Run one job: fresh configuration, one transaction, again on deadlock or lock timeout."""
    for attempt in range(RETRIES + 1):
        with site_context(call["site"], user=call.get("user") or "Administrator"):
            try:
                attribute(call["method"])(**call["kwargs"])
                local.db.commit()
                return
            except (QueryDeadlockError, QueryTimeoutError):
                local.db.rollback()
                if attempt == RETRIES:
                    log_error(call["method"], traceback.format_exc())
                    raise
            except Exception:
                local.db.rollback()
                log_error(call["method"], traceback.format_exc())
                raise
        time.sleep(0.1 * (attempt + 1))


class Worker:
    """The loop of one worker process."""

    def __init__(self, queues):
        self.bench = bench_id()
        self.names = [queue.queue_name(q, self.bench) for q in queues]
        self.name = f"{uuid.uuid4()}.{socket.gethostname()}.{os.getpid()}.{','.join(queues)}"
        self.redis = queue.queue_redis(common_config())
        self.stopping = False

    def _stop(self, *_):
        if not self.stopping:
            print("Warm shut down requested", flush=True)
        self.stopping = True

    def register(self):
        """Make the worker known in Redis."""
        pipe = self.redis.pipeline()
        pipe.sadd("rq:workers", f"rq:worker:{self.name}")
        for name in self.names:
            pipe.sadd(f"rq:workers:{name}", f"rq:worker:{self.name}")
        pipe.hset(
            f"rq:worker:{self.name}",
            mapping={
                "birth": queue.timestamp(),
                "last_heartbeat": queue.timestamp(),
                "queues": ",".join(self.names),
                "pid": os.getpid(),
                "hostname": socket.gethostname(),
                "state": "idle",
            },
        )
        pipe.expire(f"rq:worker:{self.name}", TTL)
        pipe.execute()

    def unregister(self):
        """Forget the worker."""
        pipe = self.redis.pipeline()
        pipe.srem("rq:workers", f"rq:worker:{self.name}")
        for name in self.names:
            pipe.srem(f"rq:workers:{name}", f"rq:worker:{self.name}")
        pipe.delete(f"rq:worker:{self.name}")
        pipe.execute()

    def run(self):
        """Work until told to stop; the exit code."""
        signal.signal(signal.SIGTERM, self._stop)
        signal.signal(signal.SIGINT, self._stop)
        self.register()
        print(f"Worker {self.name}: started, listening on {', '.join(self.names)}", flush=True)
        try:
            while not self.stopping:
                try:
                    self.step()
                except redis_errors.exceptions.ConnectionError as error:
                    print(f"failed to reach Redis, trying again: {error}", flush=True)
                    time.sleep(1)
        finally:
            self.unregister()
        print("Worker stopped", flush=True)
        return 0

    def step(self):
        """Wait up to a second for a job and run it."""
        self.redis.hset(f"rq:worker:{self.name}", "last_heartbeat", queue.timestamp())
        self.redis.expire(f"rq:worker:{self.name}", TTL)
        for name in self.names:
            queue.move_due(self.redis, name)
            queue.fail_lost(self.redis, name)
        taken = self.redis.blpop([f"rq:queue:{name}" for name in self.names], timeout=1)
        if taken:
            key, job = taken[0].decode(), taken[1].decode()
            self.perform(key.removeprefix("rq:queue:"), job)

    def perform(self, name, job):
        """Run one job and note how it ended."""
        call = queue.payload(self.redis, job)
        if call is None:
            return
        queue.started(self.redis, name, job, self.name)
        error = None
        begin = time.monotonic()
        try:
            execute(call)
        except Exception:  # noqa: BLE001 - a job may fail in any way
            error = traceback.format_exc()
        queue.ended(self.redis, name, job, self.name, error)
        word = "failed" if error else "Job OK"
        print(f"{name}: {call['method']} ({job}) {word} {time.monotonic() - begin:.2f}s", flush=True)
        if error:
            print(error, flush=True)
