"""Servers of a test's own: mariadbd and redis-server on free ports in a temporary folder."""

import atexit
import os
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path

import pymysql

DEADLINE = 60.0


def free_port():
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(condition, what, seconds=DEADLINE):
    """Wait until a condition holds and return what it gave; fail with `what` when it never does."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            found = condition()
            if found:
                return found
        except (OSError, pymysql.err.Error) as error:
            what = f"{what} (last: {error})"[:500]
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:.0f}s for {what}")
        time.sleep(0.03)


class Servers:
    """One MariaDB and one Redis, stopped and removed at the end."""

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="sample-bench-"))
        self.processes = []
        self.db_port, self.redis_port = free_port(), free_port()
        atexit.register(self.stop)
        self._start_mariadb()
        self._start_redis()

    def _start_mariadb(self):
        data = self.folder / "mysql"
        log = self.folder / "mariadbd.log"
        as_root = ["--user=root"] if os.geteuid() == 0 else []
        subprocess.run(
            ["mariadb-install-db", "--no-defaults", f"--datadir={data}", "--skip-test-db",
             "--auth-root-authentication-method=normal", *as_root],
            check=True, capture_output=True,
        )  # fmt: skip
        self._spawn(
            ["/usr/sbin/mariadbd", "--no-defaults", f"--datadir={data}", f"--port={self.db_port}",
             f"--socket={self.folder}/mysql.sock", "--bind-address=127.0.0.1", "--skip-log-bin",
             "--character-set-server=utf8mb4", "--collation-server=utf8mb4_unicode_ci",
             "--innodb-flush-log-at-trx-commit=0", "--innodb-buffer-pool-size=128M", *as_root],
            log,
        )  # fmt: skip
        wait_for(self._set_root_password, "mariadbd to answer")

    def _set_root_password(self):
        connection = pymysql.connect(unix_socket=f"{self.folder}/mysql.sock", user="root")
        with connection, connection.cursor() as cursor:
            cursor.execute("CREATE USER IF NOT EXISTS admin@'127.0.0.1' IDENTIFIED BY 'admin'")
            cursor.execute("GRANT ALL ON *.* TO admin@'127.0.0.1' WITH GRANT OPTION")
        return True

    def _start_redis(self):
        log = self.folder / "redis.log"
        self._spawn(
            ["redis-server", "--port", str(self.redis_port), "--bind", "127.0.0.1", "--save", "",
             "--appendonly", "no", "--dir", str(self.folder)],
            log,
        )  # fmt: skip

        def answers():
            with socket.create_connection(("127.0.0.1", self.redis_port), 1):
                return True

        wait_for(answers, "redis-server to answer")

    def _spawn(self, command, log):
        with log.open("wb") as handle:
            self.processes.append(subprocess.Popen(command, stdout=handle, stderr=handle))

    def connect(self, database=None, autocommit=True):
        """A connection with all rights."""
        return pymysql.connect(
            host="127.0.0.1", port=self.db_port, user="admin", password="admin", database=database,
            autocommit=autocommit, cursorclass=pymysql.cursors.DictCursor,
        )  # fmt: skip

    def sql(self, query, values=None, database=None):
        """Rows of one statement, sent with all rights."""
        connection = self.connect(database)
        with connection, connection.cursor() as cursor:
            cursor.execute(query, values)
            return cursor.fetchall()

    def stop(self):
        """End what was started, remove the folder."""
        for process in self.processes:
            process.terminate()
        for process in self.processes:
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
        self.processes = []
        shutil.rmtree(self.folder, ignore_errors=True)


_shared = None


def servers():
    """The servers that all tests of a run share."""
    global _shared
    if _shared is None:
        _shared = Servers()
    return _shared
