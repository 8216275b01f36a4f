"""The configuration is read anew for every request: database, maintenance mode, links."""

import threading
import unittest

import redis
from bench_under_test import SITE, Bench, in_background, write_json
from private_servers import servers, wait_for


class SiteConfig(unittest.TestCase):
    """A served v1 site and a second schema that it can move to."""

    @classmethod
    def setUpClass(cls):
        cls.bench = Bench(servers(), "v1", "_conf_a")
        cls.addClassCleanup(cls.bench.stop)
        cls.bench.new_site()
        other = Bench(servers(), "v1", "_conf_b")
        other.new_site()
        cls.bench.serve()
        for name in ("_conf_a", "_conf_b"):
            servers().sql(
                f"INSERT INTO {name}.tabRole (name, role_name) VALUES (%s, %s)", (name, name)
            )

    def where(self):
        """Which schema answers."""
        found = [
            name for name in ("_conf_a", "_conf_b")
            if self.bench.resource("GET", "Role", name).status == 200
        ]  # fmt: skip
        self.assertEqual(len(found), 1)
        return found[0]

    def test_db_name_moves_the_next_request_also_through_a_link(self):
        """The file is a link into a folder whose ..data link is swapped, as the kubelet does."""
        mount = self.bench.path / "mount"
        for name in ("_conf_a", "_conf_b"):
            write_json(mount / name / "config.json", {**self.bench.config, "db_name": name})
        data = mount / "..data"
        data.symlink_to("_conf_a")
        config = self.bench.path / f"sites/{SITE}/site_config.json"
        config.unlink()
        config.symlink_to(data / "config.json")
        statuses, stop = [], threading.Event()

        def ask():
            while not stop.is_set():
                statuses.append(self.bench.resource("GET", "Role", "System Manager").status)

        asking = threading.Thread(target=ask)
        asking.start()
        for name in ("_conf_b", "_conf_a", "_conf_b", "_conf_a"):
            fresh = mount / "fresh"
            fresh.symlink_to(name)
            fresh.replace(data)
            self.assertEqual(self.where(), name)
            count = len(statuses)
            wait_for(lambda c=count: len(statuses) > c + 5, "requests")
        stop.set()
        asking.join()
        self.assertEqual(set(statuses), {200})
        config.unlink()
        self.bench.configure()

    def test_maintenance_mode_is_a_503_for_everybody(self):
        self.bench.run("--site", SITE, "set-maintenance-mode", "on")
        for path in ("/api/method/ping", "/api/resource/Customer", "/"):
            answer = self.bench.get(path)
            self.assertEqual((answer.status, answer.json["exc_type"]), (503, "SessionStopped"))
        self.bench.configure(maintenance_mode=1, allow_reads_during_maintenance=1)
        self.assertEqual(self.bench.get("/api/resource/Customer").status, 200)
        refused = self.bench.resource("POST", "Customer", body={"customer_name": "x"})
        self.assertEqual(refused.status, 503)
        self.bench.configure(maintenance_mode=0, allow_reads_during_maintenance=0)
        self.assertEqual(self.bench.get("/api/method/ping").status, 200)

    def test_the_site_is_the_host_when_no_header_says_it(self):
        def ask(host):
            headers = {"X-Frappe-Site-Name": "", "Host": host}
            return self.bench.get("/api/method/ping", headers=headers).status

        self.assertEqual(ask(SITE), 200)
        self.assertEqual(ask(f"{SITE}:8000"), 200)
        self.assertEqual(ask("other.localhost"), 404)

    def test_sigterm_lets_the_running_request_end(self):
        bench = Bench(servers(), "v1", "_conf_b")
        self.addCleanup(bench.stop)
        server = bench.serve()
        bench.resource("POST", "Customer", body={"customer_name": "Slow"})
        connection = servers().connect("_conf_b", autocommit=False)
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT 1 FROM tabCustomer WHERE name = 'Slow' FOR UPDATE")
            body = {"territory": "North"}
            running = in_background(bench.resource, "PUT", "Customer", "Slow", body)
            wait_for(
                lambda: servers().sql(
                    "SELECT 1 FROM information_schema.processlist WHERE user = '_conf_b'"
                    " AND info LIKE 'SELECT * FROM `tabCustomer`%%FOR UPDATE'"
                ),
                "the request to wait for the row",
            )
            server.terminate()
            self.assertTrue(running.is_alive())
            connection.rollback()
            running.join(30)
        self.assertEqual((running.result.status, running.result.data["territory"]), (200, "North"))
        self.assertEqual(server.wait(30), 0)

    def test_the_keys_of_two_schemas_are_parted_by_their_prefix(self):
        cache = redis.Redis(port=servers().redis_port, decode_responses=True)
        self.addCleanup(cache.close)
        self.bench.run("--site", SITE, "clear-cache")
        self.assertEqual(cache.keys("_conf_a|doctype_meta"), [])
        self.bench.get("/api/resource/Customer")
        self.assertIn("Customer", cache.hkeys("_conf_a|doctype_meta"))


if __name__ == "__main__":
    unittest.main()
