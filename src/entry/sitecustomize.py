"""Lets a Python program on MariaDB and the DDL beside it live together, without a change to the program.

Crossfade puts this file's folder first on PYTHONPATH of a bench's containers.

1. In the new version's `bench migrate`, where CROSSFADE_DDL_SECONDS is set, DDL is made no-wait. An ALTER that waits for a metadata lock makes every new reader of its table wait, and when a request holds a
row lock at the same time it is a deadlock that MariaDB does not see: everything stands until a lock wait times out.
Here each such statement is tried with `lock_wait_timeout = 0` and repeated after a short random pause instead.

One JSON line per statement goes to stderr. CROSSFADE_DDL_SECONDS is the bound for one statement; after it the server's
own error 1205 reaches the program.

2. Everywhere, a statement that ends in NOWAIT and finds a lock taken is sent again for CROSSFADE_NOWAIT_SECONDS (default
2: longer than the one second that a DDL of ours may stand in the queue of a table that is never idle). Frappe deletes with `SELECT ... FOR UPDATE NOWAIT`. An ALTER that is at work holds the table's metadata lock for some
milliseconds, and in that instant NOWAIT fails although nobody else has the document; one that somebody has is
refused two seconds later as ever. Error 1205 undoes the one statement only, so it can be sent again in its transaction.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import json
import os
import random
import re
import sys
import time

_CONNECTIONS = {"pymysql.connections": "pymysql", "MySQLdb.connections": "mysqlclient"}
# 1205: the lock is taken. 1213: a deadlock among metadata locks. Both are over when DDL, which has no transaction, is
# tried again. For a row lock 1213 means that the whole transaction is undone: that is never tried again here.
_RETRIED = (1205, 1213)
_NOWAIT_RETRIED = (1205,)
_PAUSE_SECONDS = (0.02, 0.2)
_NOWAIT_PAUSE_SECONDS = (0.005, 0.03)
_DDL = re.compile(
    r"^(?:\s|/\*(?!!).*?\*/|--[^\n]*\n|#[^\n]*\n)*"
    r"(?:ALTER\s+(?:ONLINE\s+|IGNORE\s+)*TABLE"
    r"|CREATE\s+(?:OR\s+REPLACE\s+)?(?:TABLE|SEQUENCE|VIEW|TRIGGER|(?:UNIQUE\s+|FULLTEXT\s+|SPATIAL\s+)?INDEX)"
    r"|DROP\s+(?:TABLE|SEQUENCE|VIEW|TRIGGER|INDEX)"
    r"|RENAME\s+TABLE|TRUNCATE)\b",
    re.IGNORECASE | re.DOTALL,
)


def _say(**fields):
    try:
        print(json.dumps(fields), file=sys.stderr, flush=True)
    except Exception:  # a closed stderr must not fail a migrate
        pass


def _seconds(name, default):
    """The bound that a variable holds; None if there is none."""
    try:
        return max(0.0, float(os.environ.get(name, default)))
    except (TypeError, ValueError):
        return None


def _is_no_wait(sql):
    tail = bytes(sql[-40:]) if isinstance(sql, (bytes, bytearray)) else str(sql[-40:]).encode("utf-8", "replace")
    return tail.rstrip(b" \t\r\n;").upper().endswith(b" NOWAIT")


def _is_ddl(sql):
    # Only the beginning is looked at: a long INSERT costs nothing.
    head = sql[:2000]
    if isinstance(head, (bytes, bytearray)):
        head = bytes(head).decode("utf-8", "replace")
    return isinstance(head, str) and _DDL.match(head) is not None


def _no_wait(sql):
    """The statement with the wait switched off for itself alone: the session's value is never touched."""
    prefix = "SET STATEMENT lock_wait_timeout=0 FOR "
    return prefix.encode() + bytes(sql) if isinstance(sql, (bytes, bytearray)) else prefix + sql


def _head(sql):
    text = bytes(sql[:400]).decode("utf-8", "replace") if isinstance(sql, (bytes, bytearray)) else sql[:400]
    return " ".join(text.split())[:160]


def _number(error):
    arguments = getattr(error, "args", ())
    return arguments[0] if arguments and isinstance(arguments[0], int) else 0


def _again(act, seconds, pause, numbers):
    """Does `act` until it finds no lock taken, for so long; gives its result and the number of tries."""
    begun = time.monotonic()
    tries = 0
    while True:
        tries += 1
        try:
            return act(), tries
        except Exception as error:
            if _number(error) not in numbers or time.monotonic() - begun >= seconds:
                error.crossfade_tries = tries
                raise
        time.sleep(random.uniform(*pause))


def _patient(original):
    ddl_seconds = _seconds("CROSSFADE_DDL_SECONDS", None)
    no_wait_seconds = _seconds("CROSSFADE_NOWAIT_SECONDS", "2") or 0.0

    def query(self, sql, *args, **kwargs):
        if ddl_seconds is not None and _is_ddl(sql):
            begun = time.monotonic()
            try:
                result, tries = _again(
                    lambda: original(self, _no_wait(sql), *args, **kwargs), ddl_seconds, _PAUSE_SECONDS, _RETRIED
                )
            except Exception as error:
                _report(sql, getattr(error, "crossfade_tries", 1), begun, _number(error))
                raise
            _report(sql, tries, begun, 0)
            return result
        if _is_no_wait(sql):
            act = lambda: original(self, sql, *args, **kwargs)
            return _again(act, no_wait_seconds, _NOWAIT_PAUSE_SECONDS, _NOWAIT_RETRIED)[0]
        return original(self, sql, *args, **kwargs)

    query.crossfade = True
    return query


def _report(sql, tries, begun, number):
    spent = round((time.monotonic() - begun) * 1000)
    _say(crossfade="ddl", statement=_head(sql), tries=tries, ms=spent, error=number)


def _patch(module):
    connection = getattr(module, "Connection", None)
    original = getattr(connection, "query", None)
    if original is None:
        _say(crossfade="warning", message="%s has no Connection.query: its DDL may wait" % module.__name__)
    elif not getattr(original, "crossfade", False):
        connection.query = _patient(original)


class _Loader(importlib.abc.Loader):
    """Loads a driver as it would be loaded, then wraps its one door for statements."""

    def __init__(self, loader):
        self._loader = loader

    def create_module(self, spec):
        return self._loader.create_module(spec)

    def exec_module(self, module):
        self._loader.exec_module(module)
        try:
            _patch(module)
        except Exception as error:
            _say(crossfade="warning", message="DDL is not made no-wait: %s" % error)

    def __getattr__(self, name):
        return getattr(self._loader, name)


class _Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name not in _CONNECTIONS:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


def _chain():
    """Runs the sitecustomize that this one hides, if there is one."""
    here = os.path.dirname(os.path.abspath(__file__))
    others = [entry for entry in sys.path if os.path.abspath(entry or os.curdir) != here]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", others)
    if spec is not None and spec.loader is not None:
        spec.loader.exec_module(importlib.util.module_from_spec(spec))


def _start():
    for name in _CONNECTIONS:
        if name in sys.modules:
            _patch(sys.modules[name])
    sys.meta_path.insert(0, _Finder())


try:
    _start()
except Exception as error:
    _say(crossfade="warning", message="DDL is not made no-wait: %s" % error)
try:
    _chain()
except Exception as error:
    _say(crossfade="warning", message="another sitecustomize failed: %s" % error)
