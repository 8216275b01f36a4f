"""A bench of one version with one site, and a client that speaks to it."""

import json
import os
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

from private_servers import free_port, wait_for

HERE = Path(__file__).resolve().parent
ASSEMBLE = HERE.parent / "assemble.sh"
SITE = "shop.localhost"
KEY, SECRET = "loadkey", "loadsecret"


def write_json(path, value):
    """Write a file so that a reader sees the old or the new one, never half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".new")
    temporary.write_text(json.dumps(value))
    temporary.replace(path)


class Answer:
    """Status, headers and JSON of a response."""

    def __init__(self, status, headers, raw):
        self.status, self.headers, self.raw = status, headers, raw

    @property
    def json(self):
        """The body as JSON."""
        return json.loads(self.raw)

    @property
    def data(self):
        """`data` of the body."""
        return self.json["data"]


class Bench:
    """The files of one version, its processes, and its site's configuration."""

    def __init__(self, servers, version, db_name, bench_id=None):
        self.servers, self.version, self.db_name = servers, version, db_name
        self.folder = servers.folder / f"bench-{version}-{db_name}"
        subprocess.run([ASSEMBLE, version, self.folder], check=True)
        self.path = self.folder / "home/frappe/frappe-bench"
        redis = f"redis://127.0.0.1:{servers.redis_port}"
        self.common = {
            "redis_cache": redis,
            "redis_queue": redis + "/1",
            "db_host": "127.0.0.1",
            "db_port": servers.db_port,
            "bench_id": bench_id or f"{db_name}-{version}",
            "scheduler_tick_interval": 0.2,
        }
        self.config = {"db_name": db_name, "db_password": "site", "encryption_key": "k" * 32}
        write_json(self.path / "sites/common_site_config.json", self.common)
        self.configure()
        self.processes = []
        self.port = None

    def configure(self, **changes):
        """Replace the site's configuration."""
        self.config.update(changes)
        write_json(self.path / f"sites/{SITE}/site_config.json", self.config)

    def command(self, *arguments):
        """The command line of a bench command."""
        return [str(self.folder / "usr/local/bin/bench"), *arguments]

    def run(self, *arguments, check=True):
        """Run a bench command to its end."""
        environment = {
            **os.environ,
            "DB_ROOT_USER": "admin",
            "DB_ROOT_PASSWORD": "admin",
            "ADMIN_PASSWORD": "admin",
            "API_KEY": KEY,
            "API_SECRET": SECRET,
        }
        done = subprocess.run(
            self.command(*arguments), env=environment, capture_output=True, text=True
        )
        if check and done.returncode:
            raise AssertionError(f"bench {arguments} gave {done.returncode}:\n{done.stdout}{done.stderr}")
        return done

    def new_site(self):
        """Make the site."""
        return self.run("new-site", SITE)

    def migrate(self, check=True):
        """Migrate the site."""
        return self.run("--site", SITE, "migrate", "--skip-search-index", check=check)

    def start(self, *arguments):
        """Start a bench command; stopped by `stop`."""
        log = self.folder / f"{arguments[0]}.log"
        with log.open("ab") as handle:
            process = subprocess.Popen(self.command(*arguments), stdout=handle, stderr=handle)
        process.log = log
        self.processes.append(process)
        return process

    def serve(self):
        """Start the web server and wait for it."""
        self.port = free_port()
        process = self.start("serve", "--port", str(self.port), "--workers", "1")
        wait_for(lambda: self.get("/api/method/ping", token=False).status == 200, "the web server")
        return process

    def stop(self):
        """End the processes."""
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            process.wait(40)
        self.processes = []

    def request(self, method, path, body=None, token=True, headers=None):
        """One request to the site."""
        given = {"X-Frappe-Site-Name": SITE, **(headers or {})}
        if token:
            given["Authorization"] = f"token {KEY}:{SECRET}"
        data = None
        if body is not None:
            data = json.dumps(body).encode()
            given["Content-Type"] = "application/json"
        url = f"http://127.0.0.1:{self.port}{path}"
        request = urllib.request.Request(url, data=data, method=method, headers=given)
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return Answer(response.status, response.headers, response.read())
        except urllib.error.HTTPError as error:
            return Answer(error.code, error.headers, error.read())

    def get(self, path, **options):
        """GET."""
        return self.request("GET", path, **options)

    def resource(self, method, doctype, name=None, body=None, query=None, **options):
        """A request to /api/resource."""
        path = "/api/resource/" + urllib.parse.quote(doctype)
        if name is not None:
            path += "/" + urllib.parse.quote(str(name), safe="")
        if query:
            values = {k: v if isinstance(v, str) else json.dumps(v) for k, v in query.items()}
            path += "?" + urllib.parse.urlencode(values)
        return self.request(method, path, body=body, **options)

    def sql(self, query, values=None):
        """Rows of the site's schema, read with all rights."""
        return self.servers.sql(query, values, database=self.db_name)


def in_background(function, *arguments):
    """Run a function in a thread; `.result` when it ended."""

    def work():
        thread.result = function(*arguments)

    thread = threading.Thread(target=work)
    thread.result = None
    thread.start()
    return thread
