"""Lets a Python program on MariaDB and the DDL beside it live together, without a change to the program.

Crossfade puts this file's folder first on PYTHONPATH of a bench's containers. It wraps the one door for statements of the
database driver, PyMySQL (Frappe 13 to 15) or mysqlclient (Frappe 16); nothing of Frappe is changed.

1. In the new version's `bench migrate`, where CROSSFADE_DDL_SECONDS is set:

   - DDL does not wait. An ALTER that waits for a metadata lock makes every new reader of its table wait, and when a request
     holds a row lock at the same time it is a deadlock that MariaDB does not see: everything stands until a lock wait
     times out. Here each such statement is tried with `lock_wait_timeout = 0` and repeated after a short random pause, for
     at most that many seconds; then the server's own error 1205 reaches the program. After a third of them, on a table
     that is never idle, a try waits every few seconds, for one second.
   - An ALTER never copies a table that the old version reads: a copy blocks all writes, and open transactions of the old
     version fail with 1412. Each ALTER that names no algorithm is tried as `ALGORITHM=NOCOPY`. Where that is refused and
     the old version reads the table, `ALGORITHM=INPLACE, LOCK=NONE` is tried, and else the server's refusal reaches the
     program with what to do. Which tables the old version reads is in the ledger that `crossfade expand` keeps in the
     site's database; without a release at work there (no old version) a copy is let through. CROSSFADE_COPY=allow lets all
     through.
   - Whole-table writes are named: an UPDATE or DELETE without WHERE, or of CROSSFADE_MANY_ROWS (default 1000) rows.
   - Each connection sets `@crossfade_migrate`: of tables of which each version has a copy, triggers carry over what users
     write to documents of their own, and what the migrate writes there is the new version's alone.
   - A Frappe or a driver that this file was not made for (CROSSFADE_FRAPPE, default 13-16) ends the migrate before it begins.

   One JSON line for each of these statements goes to stderr, with tries and milliseconds, and a sum at the end.

2. Everywhere, a statement that ends in NOWAIT and finds a lock taken is sent again for CROSSFADE_NOWAIT_SECONDS (default
   2: longer than the one second that a DDL of ours may stand in the queue of a table that is never idle). Frappe deletes
   with `SELECT ... FOR UPDATE NOWAIT`. An ALTER that is at work holds the table's metadata lock for some milliseconds, and
   in that instant NOWAIT fails although nobody else has the document; one that somebody has is refused two seconds later
   as ever. Error 1205 undoes the one statement only, so it can be sent again in its transaction.
"""

import atexit
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
# 1845, 1846: not with this algorithm or lock. 1064: the statement is of a form to which no algorithm can be added.
_NOT_SO = (1845, 1846)
_NO_SUCH_FORM = 1064
_NO_SUCH_TABLE = 1146
_PAUSE_SECONDS = (0.02, 0.2)
_QUEUE_EVERY_SECONDS = 3
_NOWAIT_PAUSE_SECONDS = (0.005, 0.03)
_BEFORE = r"^(?:\s|/\*(?!!).*?\*/|--[^\n]*\n|#[^\n]*\n)*"
_DDL = re.compile(
    _BEFORE + r"(?:ALTER\s+(?:ONLINE\s+|IGNORE\s+)*TABLE"
    r"|CREATE\s+(?:OR\s+REPLACE\s+)?(?:TABLE|SEQUENCE|VIEW|TRIGGER|(?:UNIQUE\s+|FULLTEXT\s+|SPATIAL\s+)?INDEX)"
    r"|DROP\s+(?:TABLE|SEQUENCE|VIEW|TRIGGER|INDEX)"
    r"|RENAME\s+TABLE|TRUNCATE)\b",
    re.IGNORECASE | re.DOTALL,
)
_ALTER = re.compile(
    _BEFORE + r"ALTER\s+(?:ONLINE\s+|IGNORE\s+)*TABLE\s+(?:IF\s+EXISTS\s+)?(?:(?:`(?:[^`]|``)+`|[\w$]+)\s*\.\s*)?"
    r"(?:`((?:[^`]|``)+)`|([\w$]+))(?![.\w`])",
    re.IGNORECASE | re.DOTALL,
)
# Of options of one name the last counts: DEFAULT, and a LOCK alone, leave the algorithm to the server.
_ALGORITHM = re.compile(r"\bALGORITHM\s*=?\s*(?:INPLACE|COPY|NOCOPY|INSTANT)\b", re.IGNORECASE)
_COPY = re.compile(r"\bALGORITHM\s*=?\s*COPY\b", re.IGNORECASE)
_WRITE = re.compile(_BEFORE + r"(?:UPDATE|DELETE)\b", re.IGNORECASE | re.DOTALL)
_WHERE = re.compile(r"\bWHERE\b", re.IGNORECASE)
_FRAPPE = "13-16"

# What the operator reads: tries that found a table busy, and the most of the budget that a statement has needed.
_figures = {"lockWaits": 0, "lockBudgetUsedPercent": 0}
_sums = {"ddl": 0, "retried": 0, "refused": 0, "whole_table": 0, "longest_ms": 0}


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


def _text(sql, length=None):
    part = sql if length is None else sql[:length]
    return bytes(part).decode("utf-8", "replace") if isinstance(part, (bytes, bytearray)) else part


def _is_no_wait(sql):
    tail = bytes(sql[-40:]) if isinstance(sql, (bytes, bytearray)) else str(sql[-40:]).encode("utf-8", "replace")
    return tail.rstrip(b" \t\r\n;").upper().endswith(b" NOWAIT")


def _is_ddl(sql):
    # Only the beginning is looked at: a long INSERT costs nothing.
    head = _text(sql, 2000)
    return isinstance(head, str) and _DDL.match(head) is not None


def _altered(sql):
    """The table of an ALTER that names no algorithm; None for all else."""
    text = _text(sql)
    found = _ALTER.match(text) if isinstance(text, str) else None
    if found is None or _ALGORITHM.search(text):
        return None
    return (found.group(1) or found.group(2)).replace("``", "`")


def _no_wait(sql, options="", wait=0):
    """The statement with a wait of its own, of no or one second: the session's value is never touched."""
    prefix = "SET STATEMENT lock_wait_timeout=%d FOR " % wait
    if isinstance(sql, (bytes, bytearray)):
        return prefix.encode() + (bytes(sql).rstrip(b" \t\r\n;") + b"\n" + options.encode() if options else bytes(sql))
    # A line of its own: the statement may end in a comment.
    return prefix + (sql.rstrip(" \t\r\n;") + "\n" + options if options else sql)


def _head(sql):
    return " ".join(_text(sql, 400).split())[:160]


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
            if numbers is _RETRIED and _number(error) in numbers:
                used = round((time.monotonic() - begun) * 100 / seconds) if seconds else 100
                _figures["lockWaits"] += 1
                _figures["lockBudgetUsedPercent"] = max(_figures["lockBudgetUsedPercent"], min(used, 100))
            if _number(error) not in numbers or time.monotonic() - begun >= seconds:
                error.crossfade_tries = tries
                raise
        time.sleep(random.uniform(*pause))


def _get_in(send, sql, seconds, options=""):
    """Sends DDL until it finds its table free.

    A table that requests follow each other on without a gap is never free. So from a third of the bound on, every few
    seconds, one try stands in the queue for a second, and is in when those at work are done. Who comes meanwhile waits for
    that second at most, which a read with NOWAIT survives (see 2 above).
    """
    next_in_queue = time.monotonic() + seconds / 3

    def attempt():
        nonlocal next_in_queue
        if time.monotonic() < next_in_queue:
            return send(_no_wait(sql, options))
        try:
            return send(_no_wait(sql, options, wait=1))
        finally:
            next_in_queue = time.monotonic() + _QUEUE_EVERY_SECONDS

    return _again(attempt, seconds, _PAUSE_SECONDS, _RETRIED)


def _is_read_by_blue(connection, table):
    """Whether the old version sees the table itself (by a view): then no copy. MyISAM has no snapshot to break."""
    if os.environ.get("CROSSFADE_COPY") == "allow":
        return False
    cursor = connection.cursor()
    try:
        # Of the release that goes on: the views of one that is over are gone.
        cursor.execute(
            "SELECT statement FROM __crossfade_ledger AS settled WHERE part = 'isolate' AND step = 'settle' AND NOT EXISTS"
            " (SELECT 1 FROM __crossfade_ledger AS past WHERE past.release_schema = settled.release_schema AND"
            " (past.part, past.step) IN (('contract', 'schema'), ('rollback', 'finish'))) ORDER BY started DESC LIMIT 1"
        )
        row = cursor.fetchone()
        cursor.execute("SELECT engine FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = %s", (table,))
        engine = cursor.fetchone()
    except Exception as error:
        if _number(error) == _NO_SUCH_TABLE:
            return False
        raise
    finally:
        cursor.close()
    first = lambda row: _text(list(row.values())[0] if isinstance(row, dict) else row[0])
    if row is None or (engine is not None and first(engine).lower() != "innodb"):
        return False
    text = first(row)
    # A ledger without the list is older than this file: then every table may be read.
    return not text or table.lower() in (name.lower() for name in json.loads(text).get("views", ()))


def _advice(error, table):
    error.args = (
        _number(error),
        "%s. Crossfade refused to copy `%s`, which the version that still serves reads: writes would stand still and its "
        "requests would fail. Let the plan make the change (crossfade plan says how), or set CROSSFADE_COPY=allow for a "
        "release in a maintenance window" % (error.args[1] if len(error.args) > 1 else error, table),
    )
    error.crossfade_refused = True


def _alter(self, send, sql, table, seconds):
    """An ALTER by the first algorithm of the ladder that the server takes; gives result, tries and what it was."""
    tries = 0
    attempts = [", ALGORITHM=NOCOPY", ", ALGORITHM=INPLACE, LOCK=NONE", ""]
    while True:
        options = attempts.pop(0)
        try:
            result, count = _get_in(send, sql, seconds, options)
            return result, tries + count, options.lstrip(", ") or "as it is"
        except Exception as error:
            tries += error.crossfade_tries
            error.crossfade_tries = tries
            number = _number(error)
            if number == _NO_SUCH_FORM and options and len(attempts) == 2:
                # A form that takes no algorithm is none that copies unasked (partitions, discarding a tablespace).
                attempts = [""]
            elif number not in _NOT_SO or not options:
                raise
            elif len(attempts) == 2 and not _is_read_by_blue(self, table):
                attempts = [""]
            elif len(attempts) == 1:
                _advice(error, table)
                raise


def _refuse_named_copy(self, sql):
    """A statement that asks for a copy by name is refused like one that would fall into it."""
    text = _text(sql)
    found = _ALTER.match(text) if _COPY.search(text) else None
    table = found and (found.group(1) or found.group(2)).replace("``", "`")
    if table and _is_read_by_blue(self, table):
        error = self.OperationalError(_NOT_SO[1], "ALGORITHM=COPY is not let through")
        _advice(error, table)
        raise error


def _ddl(self, send, sql, seconds):
    begun = time.monotonic()
    algorithm = None
    try:
        _refuse_named_copy(self, sql)
        table = _altered(sql)
        if table is None:
            result, tries = _get_in(send, sql, seconds)
        else:
            result, tries, algorithm = _alter(self, send, sql, table, seconds)
    except Exception as error:
        _sums["refused"] += bool(getattr(error, "crossfade_refused", False))
        _report(sql, getattr(error, "crossfade_tries", 1), begun, _number(error), algorithm)
        raise
    _report(sql, tries, begun, 0, algorithm)
    return result


def _mark(self, original):
    """Says at the start of a connection that it is the migrate's: see 1 above. The driver may connect the same object again."""
    thread = self.thread_id()
    if getattr(self, "crossfade_marked", None) != thread:
        original(self, "SET @crossfade_migrate = 1")
        self.crossfade_marked = thread


def _write(self, send, sql, many):
    """A write that is named if it was of the whole table or of many rows."""
    begun = time.monotonic()
    result = send(sql)
    try:
        rows = result if isinstance(result, int) else int(self.affected_rows())
        is_whole = _WHERE.search(_text(sql)) is None
        if is_whole or rows >= many:
            _sums["whole_table"] += 1
            spent = round((time.monotonic() - begun) * 1000)
            _say(crossfade="whole-table" if is_whole else "many-rows", statement=_head(sql), rows=rows, ms=spent)
    except Exception:  # what cannot be counted is no reason to fail
        pass
    return result


def _patient(original):
    ddl_seconds = _seconds("CROSSFADE_DDL_SECONDS", None)
    no_wait_seconds = _seconds("CROSSFADE_NOWAIT_SECONDS", "2") or 0.0
    many = _seconds("CROSSFADE_MANY_ROWS", "1000") or 1000

    def query(self, sql, *args, **kwargs):
        send = lambda sql: original(self, sql, *args, **kwargs)
        if ddl_seconds is not None:
            _mark(self, original)
        if ddl_seconds is not None and _is_ddl(sql):
            return _ddl(self, send, sql, ddl_seconds)
        if ddl_seconds is not None and _WRITE.match(_text(sql, 200)):
            return _write(self, send, sql, many)
        if _is_no_wait(sql):
            return _again(lambda: send(sql), no_wait_seconds, _NOWAIT_PAUSE_SECONDS, _NOWAIT_RETRIED)[0]
        return send(sql)

    query.crossfade = True
    return query


def _report(sql, tries, begun, number, algorithm):
    spent = round((time.monotonic() - begun) * 1000)
    _sums["ddl"] += 1
    _sums["retried"] += tries > 1
    _sums["longest_ms"] = max(_sums["longest_ms"], spent)
    fields = {"algorithm": algorithm} if algorithm else {}
    if _figures["lockWaits"]:
        fields["figures"] = _figures
    _say(crossfade="ddl", statement=_head(sql), tries=tries, ms=spent, error=number, **fields)


def _sum_up():
    if _sums["ddl"] or _sums["whole_table"]:
        _say(crossfade="sum", **_sums, **({"figures": _figures} if _figures["lockWaits"] else {}))


def _end(message):
    """Ends a migrate, whose DDL could wait and copy; any other program goes on, and is told."""
    if _seconds("CROSSFADE_DDL_SECONDS", None) is None:
        _say(crossfade="warning", message=message)
        return
    message += ": nothing was changed"
    _say(crossfade="error", message=message)
    raise SystemExit(message)


def _patch(module):
    connection = getattr(module, "Connection", None)
    original = getattr(connection, "query", None)
    if original is None:
        _end("%s has no Connection.query that DDL could be made no-wait in" % module.__name__)
    elif not getattr(original, "crossfade", False):
        connection.query = _patient(original)


def _check_frappe(module):
    """Ends a migrate of a Frappe whose driver this file does not know."""
    if _seconds("CROSSFADE_DDL_SECONDS", None) is None:
        return
    version = str(getattr(module, "__version__", "unknown"))
    first, _, last = os.environ.get("CROSSFADE_FRAPPE", _FRAPPE).partition("-")
    major = re.match(r"\d+", version)
    if major is None or not int(first) <= int(major.group()) <= int(last or first):
        _end(
            "Frappe %s is not one of %s-%s, whose migrate Crossfade knows to run beside the old version (set CROSSFADE_FRAPPE, "
            "such as 13-17, once its database driver is still PyMySQL or mysqlclient)" % (version, first, last or first)
        )


class _Loader(importlib.abc.Loader):
    """Loads a module as it would be loaded, then does its work on it."""

    def __init__(self, loader, work):
        self._loader = loader
        self._work = work

    def create_module(self, spec):
        return self._loader.create_module(spec)

    def exec_module(self, module):
        self._loader.exec_module(module)
        try:
            self._work(module)
        except Exception as error:
            _end("DDL is not made no-wait (%s)" % error)

    def __getattr__(self, name):
        return getattr(self._loader, name)


class _Finder(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        work = _check_frappe if name == "frappe" else _patch if name in _CONNECTIONS else None
        if work is None:
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader, work)
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
    if _seconds("CROSSFADE_DDL_SECONDS", None) is not None:
        atexit.register(_sum_up)


try:
    _start()
except Exception as error:
    _end("DDL is not made no-wait (%s)" % error)
try:
    _chain()
except Exception as error:
    _say(crossfade="warning", message="another sitecustomize failed: %s" % error)
