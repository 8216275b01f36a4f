"""Background jobs, the scheduler, and the keys they leave in Redis."""

import json
import time
import unittest
import zlib

import redis
from bench_under_test import SITE, Bench
from private_servers import servers, wait_for


class Jobs(unittest.TestCase):
    """A v1 site with a web server; workers are started by the tests."""

    def setUp(self):
        name = "_jobs_" + self._testMethodName[5:25]
        self.bench = Bench(servers(), "v1", name, bench_id=name)
        self.addCleanup(self.bench.stop)
        self.bench.new_site()
        self.redis = redis.Redis(port=servers().redis_port, db=1, decode_responses=True)
        self.addCleanup(self.redis.close)

    def enqueue(self, bench=None, **values):
        """Enqueue a job that writes a Job Note."""
        answer = (bench or self.bench).request("POST", "/api/method/shop.api.enqueue_note", body=values)
        self.assertEqual(answer.status, 200, answer.raw)
        return answer.json["message"]

    def notes(self, token):
        """The rows that a job left."""
        return self.bench.sql("SELECT * FROM `tabJob Note` WHERE token = %s", (token,))

    def key(self, kind, queue="default"):
        """A key of this bench."""
        return f"rq:{kind}:{self.bench.common['bench_id']}:{queue}"

    def test_a_job_waits_runs_and_is_finished(self):
        self.bench.serve()
        job = self.enqueue(token="a")
        self.assertTrue(job.startswith(SITE + "||"))
        self.assertEqual(self.redis.lrange(self.key("queue"), 0, -1), [job])
        self.assertIn(self.key("queue"), self.redis.smembers("rq:queues"))
        pending = self.bench.run("--site", SITE, "ready-for-migration", check=False)
        self.assertEqual(pending.returncode, 1)
        self.bench.start("worker", "--queue", "short,default,long")
        wait_for(lambda: self.redis.zscore(self.key("finished"), job), "the job to finish")
        note = self.notes("a")[0]
        self.assertEqual((note["bench_version"], note["bench_id"]), ("v1", self.bench.common["bench_id"]))
        self.assertEqual(self.redis.zcard(self.key("wip")), 0)
        self.assertEqual(self.redis.hget(f"rq:job:{job}", "status"), "finished")
        ready = self.bench.run("--site", SITE, "ready-for-migration", check=False)
        self.assertEqual(ready.returncode, 0)

    def test_queues_are_parted_by_bench_id(self):
        self.bench.serve()
        other = Bench(servers(), "v2", self.bench.db_name, bench_id=self.bench.db_name + "-other")
        self.addCleanup(other.stop)
        other.start("worker", "--queue", "default")
        wait_for(lambda: "listening on" in other.processes[0].log.read_text(), "the other worker")
        job = self.enqueue(token="mine")
        self.bench.start("worker", "--queue", "default")
        wait_for(lambda: self.redis.zscore(self.key("finished"), job), "the job to finish")
        self.assertEqual(self.notes("mine")[0]["bench_version"], "v1")

    def test_sigterm_lets_the_running_job_end(self):
        self.bench.serve()
        worker = self.bench.start("worker", "--queue", "short")
        job = self.enqueue(token="slow", seconds=1.5, queue="short")
        wait_for(lambda: self.redis.zscore(self.key("wip", "short"), job), "the job to start")
        state = {
            self.redis.hget(key, "current_job"): self.redis.hget(key, "state")
            for key in self.redis.smembers("rq:workers")
        }
        self.assertEqual(state[job], "busy")
        waiting = self.enqueue(token="next", queue="short")
        worker.terminate()
        self.assertEqual(worker.wait(20), 0)
        self.assertEqual(len(self.notes("slow")), 1)
        self.assertEqual(len(self.notes("next")), 0)
        self.assertEqual(self.redis.lrange(self.key("queue", "short"), 0, -1), [waiting])
        self.assertEqual(self.redis.zcard(self.key("wip", "short")), 0)

    def test_a_delayed_job_stands_on_the_scheduled_set(self):
        self.bench.serve()
        job = self.enqueue(token="later", delay=1)
        self.assertIsNotNone(self.redis.zscore(self.key("scheduled"), job))
        self.bench.start("worker", "--queue", "default")
        wait_for(lambda: self.notes("later"), "the delayed job")
        self.assertEqual(self.redis.zcard(self.key("scheduled")), 0)

    def test_a_job_whose_worker_never_told_its_end_fails_in_time(self):
        self.redis.hset("rq:job:lost", mapping={"status": "started"})
        self.redis.hset("rq:job:young", mapping={"status": "started"})
        self.redis.zadd(self.key("wip"), {"lost": time.time() - 1, "young": time.time() + 60})
        self.bench.start("worker", "--queue", "default")
        wait_for(lambda: self.redis.zscore(self.key("failed"), "lost"), "the lost job to fail")
        self.assertEqual(self.redis.hget("rq:job:lost", "status"), "failed")
        self.assertEqual(self.redis.zrange(self.key("wip"), 0, -1), ["young"])

    def test_a_failing_job_leaves_an_error_log(self):
        call = {"site": SITE, "method": "shop.tasks.fail", "user": "Administrator"}
        data = zlib.compress(json.dumps({**call, "kwargs": {"token": "f"}}).encode())
        raw = redis.Redis(port=servers().redis_port, db=1)
        self.addCleanup(raw.close)
        raw.hset("rq:job:broken", mapping={"data": data, "status": "queued"})
        raw.rpush(self.key("queue"), "broken")
        self.bench.start("worker", "--queue", "default")
        wait_for(lambda: self.redis.zscore(self.key("failed"), "broken"), "the job to fail")
        cache = redis.Redis(port=servers().redis_port, decode_responses=True)
        self.addCleanup(cache.close)
        waiting = f"{self.bench.db_name}|insert_queue_for_Error Log"
        self.assertEqual(cache.llen(waiting), 1)
        self.bench.migrate()
        self.assertEqual(cache.llen(waiting), 0)
        logged = self.bench.sql("SELECT error FROM `tabError Log`")
        self.assertIn("the job f fails", logged[0]["error"])

    def beats(self):
        """How many heartbeats there are."""
        return self.bench.sql("SELECT COUNT(*) AS n FROM tabHeartbeat")[0]["n"]

    def test_the_scheduler_beats_and_pauses_by_the_site_config(self):
        self.bench.start("worker", "--queue", "short,default,long")
        scheduler = self.bench.start("schedule")
        wait_for(lambda: self.beats() >= 3, "heartbeats")
        for key in ("pause_scheduler", "maintenance_mode"):
            self.bench.configure(**{key: 1})
            self.quiet()
            count = self.beats()
            self.assertEqual(count, self.beats())
            self.bench.configure(**{key: 0})
            wait_for(lambda c=count: self.beats() > c, f"heartbeats after {key} is off")
        scheduler.terminate()
        self.assertEqual(scheduler.wait(10), 0)

    def quiet(self):
        """Wait until one second of ticks (0.2 s each) added no heartbeat."""
        seen = {"count": -1, "since": time.monotonic()}

        def unchanged():
            count = self.beats()
            if count != seen["count"]:
                seen.update(count=count, since=time.monotonic())
            return time.monotonic() - seen["since"] > 1.0

        wait_for(unchanged, "the scheduler to pause", 20)


if __name__ == "__main__":
    unittest.main()
