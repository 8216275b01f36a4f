"""Background and scheduled jobs of the shop."""

import time

import samplebench
from samplebench.responses import VERSION
from samplebench.site import bench_id


def beat():
    """At every tick of the scheduler: a row, so that runs can be counted by second."""
    now = time.time()
    samplebench.new_doc(
        "Heartbeat",
        slot=int(now),
        beat_at=time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(now)),
        bench_version=VERSION,
        bench_id=bench_id(),
    ).insert()


def write_note(token, seconds=0):
    """Work for some seconds, then leave a row with the token."""
    time.sleep(float(seconds))
    samplebench.new_doc(
        "Job Note", token=token, seconds=seconds, bench_version=VERSION, bench_id=bench_id()
    ).insert()


def fail(token):
    """A job that always fails."""
    raise ValueError(f"the job {token} fails, as it was asked to")
