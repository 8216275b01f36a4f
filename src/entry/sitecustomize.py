"""Makes the DDL of a Python program on MariaDB no-wait, without a change to the program.

Crossfade puts this file's folder first on PYTHONPATH when it runs the new version's `bench migrate` beside live
traffic. An ALTER that waits for a metadata lock makes every new reader of its table wait, and when a request holds a
row lock at the same time it is a deadlock that MariaDB does not see: everything stands until a lock wait times out.
Here each such statement is tried with `lock_wait_timeout = 0` and repeated after a short random pause instead.

One JSON line per statement goes to stderr. CROSSFADE_DDL_SECONDS is the bound for one statement (default 60); after
it the server's own error 1205 reaches the program.
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
# 1205: the lock is taken. 1213: a deadlock among metadata locks. Both are over when tried again.
_RETRIED = (1205, 1213)
_PAUSE_SECONDS = (0.02, 0.2)
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


def _bound():
    try:
        return max(0.0, float(os.environ.get("CROSSFADE_DDL_SECONDS", "60")))
    except ValueError:
        return 60.0


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


def _patient(original):
    def query(self, sql, *args, **kwargs):
        if not _is_ddl(sql):
            return original(self, sql, *args, **kwargs)
        begun = time.monotonic()
        tries = 0
        while True:
            tries += 1
            try:
                result = original(self, _no_wait(sql), *args, **kwargs)
            except Exception as error:
                number = _number(error)
                again = number in _RETRIED and time.monotonic() - begun < _bound()
                if not again:
                    _report(sql, tries, begun, number)
                    raise
            else:
                _report(sql, tries, begun, 0)
                return result
            time.sleep(random.uniform(*_PAUSE_SECONDS))

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
