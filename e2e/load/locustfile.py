"""Users of a bench who check what they are told: every write is read back, every list must hold their own documents.

A user creates, reads, updates, lists and deletes documents of its own, over the REST API that every Frappe site has.
What is sent is described by a template (LOAD_TEMPLATE), so the same users work on any bench: see `templates/`.

A release may change the fields themselves. `names` lists the names that one field has in the versions: a user sends the
value under each of them (a version drops the names that it does not know, as Frappe does) and must find it under one. `only`
says which versions know a field, `without` which do not: what another version writes must leave its value alone. The version is
what the answer's header X-Bench-Version says; without one such a field is not looked at. A user sends the fields of `only` that the
version knows which answered him last, as a page does that it has loaded. When another version refuses that because it asks for a field
that the page did not have, he fills in that version's: no release can spare him this, so the refusal is no failure (`... with an old form`).

A template may have more, and may be `of` another one, whose parts it then adds to or replaces:

- `own`: documents that each user makes first; `{as}` in the template is then the name of the one made `as` that.
- `two_rows`: a method that takes 1 from `field` of one document and gives it to another in one transaction.
- `job`: a method that enqueues a job that leaves a trace with `token`.

While the file LOAD_COLOURS names colours, each write is read back by one of them, by lot: the header X-Crossfade-Colour chooses it.

Each request is a line in LOAD_EVENTS, JSON: time (seconds since 1970, at its end), name, ms, status, version (who answered), token
(of a job), and `failure`: null, "hard" (a status of 400 or more where there should be none, or no answer) or "silent" (a good
status, but a value that was written is missing or different). Environment: LOAD_SITE (Host header), LOAD_TOKEN (`key:secret`
of an API user).
"""

import copy
import json
import os
import random
import threading
import time
import uuid
from pathlib import Path
from urllib.parse import quote

from locust import FastHttpUser, between, events, task

SITE = os.environ["LOAD_SITE"]


def template(path):
    """A template with the parts of the one that it is made of: those that are objects are joined."""
    read = json.loads(path.read_text())
    parts = template(path.with_name(read.pop("of") + ".json")) if "of" in read else {}
    for key, part in read.items():
        parts[key] = {**parts.get(key, {}), **part} if isinstance(part, dict) else part
    return parts


TEMPLATE = template(Path(os.environ["LOAD_TEMPLATE"]))
DOCTYPE = quote(TEMPLATE["doctype"])
OWNER = TEMPLATE["owner_field"]
HEADERS = {
    "Host": SITE,
    "Authorization": f"token {os.environ['LOAD_TOKEN']}",
    "Content-Type": "application/json",
    "Accept": "application/json",
}
MOST_DOCUMENTS = 8
NAMES = {name: names for names in TEMPLATE.get("names", []) for name in names}
ONLY, WITHOUT = TEMPLATE.get("only", {}), TEMPLATE.get("without", {})
TWO_ROWS, JOB = TEMPLATE.get("two_rows"), TEMPLATE.get("job")
OLD_FORM = object()
COLOURS = Path(os.environ["LOAD_COLOURS"]) if "LOAD_COLOURS" in os.environ else None
_log = open(os.environ["LOAD_EVENTS"], "a", buffering=1 << 16)
_lock = threading.Lock()


def note(name, started, status, failure, words="", **more):
    """Writes one request to the log; words say what was wrong."""
    now = time.time()
    line = {"time": round(now, 4), "name": name, "ms": round((now - started) * 1000, 2), "status": status}
    line["failure"] = failure
    if failure:
        line["words"] = words[:400]
    line.update((key, value) for key, value in more.items() if value is not None)
    with _lock:
        _log.write(json.dumps(line) + "\n")


@events.quitting.add_listener
def _close(**_):
    _log.close()


def knows(version, key):
    """Whether a version has a field."""
    if key in WITHOUT:
        return version is not None and version not in WITHOUT[key]
    return version in ONLY.get(key, [version])


def filled(value, number, names):
    """The template's value with its placeholders filled for document `number`; `names` are those of the user."""
    if isinstance(value, dict):
        return {key: filled(each, number, names) for key, each in value.items()}
    if isinstance(value, list):
        return [filled(each, number, names) for each in value]
    if value == "{int}":
        # One in ten is 0: what an empty number is too gets lost most easily.
        return number % 1000 if number % 10 else 0
    if value == "{money}":
        return round(number % 997 + 0.25, 2)
    if isinstance(value, str):
        for name, text in (("n", str(number)), *names.items()):
            value = value.replace("{" + name + "}", text)
    return value


def with_row_names(sent, got):
    """`sent` with the names that its child rows have in `got`, as the desk sends them back.

    Rows without names are replaced: the server deletes all rows of the document and inserts new ones. Two users who do that
    at once meet in the gaps of the index on `parent`, and one of them gets 1213: in 51,064 requests to a bench that nobody
    released it happened once. That is the application's own, and not what these users are here to see.
    """
    for key, rows in sent.items():
        if isinstance(rows, list):
            for row, known in zip(rows, got.get(key) or []):
                row["name"] = known["name"]
    return sent


def without_first_rows(sent, before):
    """`sent` without the tables in which the document `before` has no row: only a new document (`{}`) gets its first ones.

    To give a document that is there its first row is to delete none and insert one. Users who do that at once meet as those
    of `with_row_names` do: on a bench that nobody released 4 of 480 such updates got 1213, and 0 of 480 of rows with names.
    """
    return {key: value for key, value in sent.items() if not before or not isinstance(value, list) or before.get(key)}


def written(before, sent, version):
    """What a document holds after `version` has written `sent` over `before`: it leaves alone what it does not know or was not sent."""
    now = dict(sent)
    for key in (*ONLY, *WITHOUT):
        if not knows(version, key):
            now.pop(key, None)
        if key not in now and key in before:
            now[key] = before[key]
    return now


def difference(sent, got, version, where=""):
    """What of `sent` is not in the answer `got` of `version`, in words; None if all is there."""
    for key, value in sent.items():
        if not knows(version, key):
            continue
        known = [name for name in NAMES.get(key, [key]) if name in got]
        there = got[known[0]] if known else None
        if isinstance(value, list):
            rows = there or []
            if len(rows) != len(value):
                return f"{where}{key}: {len(rows)} rows, {len(value)} sent"
            for index, (row, row_there) in enumerate(zip(value, rows)):
                found = difference(row, row_there, version, f"{key}[{index}].")
                if found:
                    return found
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            try:
                if abs(float(there) - value) > 1e-6:
                    return f"{where}{key}: {there!r}, sent {value!r}"
            except (TypeError, ValueError):
                return f"{where}{key}: {there!r}, sent {value!r}"
        elif there != value:
            return f"{where}{key}: {there!r}, sent {value!r}"
    return None


def said(text):
    """The exception of an error's body, as Frappe names it: with the number of the database's error where there is one."""
    try:
        return json.loads(text)["exception"]
    except (ValueError, KeyError, TypeError):
        return None


def colour():
    """The colour to read a write back by, or None."""
    serving = COLOURS.read_text().split() if COLOURS else []
    return random.choice(serving) if serving else None


class Clerk(FastHttpUser):
    """Somebody who works with documents of one DocType."""

    wait_time = between(0.5, 1.5)
    connection_timeout = 30.0
    network_timeout = 60.0

    def on_start(self):
        self.me = uuid.uuid4().hex[:12]
        self.documents = {}
        self.version = None
        self.counter = random.randrange(1_000_000)
        self.names = {"me": self.me}
        for own in TEMPLATE.get("own", []):
            document = filled(own["document"], 0, self.names)
            made = self.ask("own", "POST", f"/api/resource/{quote(own['doctype'])}", document)
            self.names[own["as"]] = str((made or {}).get("name"))

    def ask(self, name, method, path, body=None, good=(200,), hold=None, colour=None, token=None, may_be_old=False):
        """Sends one request; gives the answer's `data` (of a method its `message`), or None after a failure.

        `hold` judges a good answer: its `data` and the version that gave it. What `may_be_old` and is refused for that gives OLD_FORM.
        """
        started = time.time()
        headers = {**HEADERS, "X-Crossfade-Colour": colour} if colour else HEADERS
        data = json.dumps(body) if body is not None else None
        with self.client.request(
            method, path, name=name, headers=headers, data=data, catch_response=True
        ) as answer:
            status = answer.status_code or 0
            version = answer.headers.get("X-Bench-Version") if answer.headers else None
            by = {"version": version, "token": token}
            form, self.version = self.version, self.version if colour else version or self.version
            if status not in good:
                answer.failure(f"status {status}")
                if may_be_old and form != self.version and "MandatoryError" in (said(answer.text) or ""):
                    answer.success()
                    note(f"{name} with an old form", started, status, None, **by)
                    return OLD_FORM
                words = (answer.text or str(answer.error or ""))[-400:]
                note(name, started, status, "hard", said(answer.text) or words, **by)
                return None
            if status >= 400 or method == "DELETE":
                answer.success()
                note(name, started, status, None, **by)
                return {}
            try:
                got = json.loads(answer.text)["message" if "/api/method/" in path else "data"]
            except (ValueError, KeyError, TypeError) as error:
                answer.failure("no data in the answer")
                note(name, started, status, "hard", f"{error}: {answer.text[:200]}", **by)
                return None
            wrong = hold(got, version) if hold else None
            if wrong:
                answer.failure(wrong)
                note(name, started, status, "silent", wrong, **by)
            else:
                answer.success()
                note(name, started, status, None, **by)
            return got

    def one(self):
        return random.choice(list(self.documents)) if self.documents else None

    def path(self, name):
        return f"/api/resource/{DOCTYPE}/{quote(name)}"

    def write(self, name, method, path, before):
        """Writes a document anew, over what it held; gives the answer, and what it holds now."""
        for may_be_old in (True, False):
            sent = with_row_names(without_first_rows(self.document(), before), before)
            now = dict(sent)

            def hold(got, version):
                now.clear()
                now.update(written(before, sent, version))
                return difference(now, got, version)

            got = self.ask(name, method, path, sent, hold=hold, may_be_old=may_be_old)
            if got is not OLD_FORM:
                return got, now

    def read_back(self, name, colour=None):
        """Reads a document and compares it with what was written last."""

        def hold(got, version):
            return difference(self.documents[name], got, version)

        self.ask("read back" if colour else "read", "GET", self.path(name), hold=hold, colour=colour)

    def document(self):
        """The template's document, as the next one of this user."""
        self.counter += 1
        sent = filled(copy.deepcopy(TEMPLATE["document"]), self.counter, self.names)
        sent = {key: value for key, value in sent.items() if self.version is None or key in WITHOUT or knows(self.version, key)}
        sent[OWNER] = self.names.get(OWNER, self.me)
        return sent

    @task(3)
    def create(self):
        if len(self.documents) >= MOST_DOCUMENTS:
            return self.delete()
        got, now = self.write("create", "POST", f"/api/resource/{DOCTYPE}", {})
        if got and got.get("name"):
            self.documents[got["name"]] = with_row_names(now, got)
            self.read_back(got["name"], colour())

    @task(4)
    def update(self):
        name = self.one()
        if not name:
            return self.create()
        # All fields, as the desk sends them.
        got, now = self.write("update", "PUT", self.path(name), self.documents[name])
        if got is None:
            # Unknown whether it was written: what is there now is what the next checks expect.
            self.documents.pop(name, None)
            return None
        self.documents[name] = now
        self.read_back(name, colour())

    @task(6)
    def read(self):
        name = self.one()
        if not name:
            return self.create()
        self.read_back(name)

    @task(5)
    def list(self):
        owner = self.names.get(OWNER, self.me)
        query = f'?filters=[["{OWNER}","=","{owner}"]]&fields=["name","{OWNER}"]&limit_page_length=100'

        def hold(got, _version):
            missing = set(self.documents) - {row.get("name") for row in got}
            return f"{len(missing)} own documents are not in the list" if missing else None

        self.ask("list", "GET", f"/api/resource/{DOCTYPE}" + quote(query, safe="?&="), hold=hold)

    @task(1)
    def delete(self):
        name = self.one()
        if not name:
            return
        # Forgotten also after a failure: nobody knows whether it is there.
        del self.documents[name]
        if self.ask("delete", "DELETE", self.path(name), good=(200, 202)) is not None:
            self.ask("deleted", "GET", self.path(name), good=(404,))

    @task(2)
    def move(self):
        """Two of the user's documents, by one request, in any order."""
        if len(self.documents) < 2:
            return self.create()
        field, pair = TWO_ROWS["field"], random.sample(list(self.documents), 2)
        body = {"source": pair[0], "target": pair[1], field: 1}
        if self.ask("two rows", "POST", f"/api/method/{TWO_ROWS['method']}", body) is None:
            # As with an update: unknown whether they were written.
            for name in pair:
                self.documents.pop(name)
            return None
        for name, change in zip(pair, (-1, 1)):
            self.documents[name][field] += change
            self.read_back(name, colour())

    @task(2)
    def enqueue(self):
        """A job; whether it ran, and ran once, is seen from its trace."""
        token = uuid.uuid4().hex
        self.ask("job", "POST", f"/api/method/{JOB['method']}", {"token": token}, token=token)


for part, of in ((TWO_ROWS, Clerk.move), (JOB, Clerk.enqueue)):
    if not part:
        Clerk.tasks = [each for each in Clerk.tasks if each is not of]
