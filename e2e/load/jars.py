"""Browsers that keep their cookies: which version answers whom, app by app, while a release goes on.

Each browser (a cookie jar) asks again and again for something of one of the apps, one request at a time. Each answer is a
line in JARS_EVENTS, JSON: time (seconds since 1970, at its end), jar, app, version, status, had (whether the request carried a
bucket), cookie (the bucket after it).

Environment: JARS_HOST and JARS_PORT of the gateway, JARS_SITE (Host header), JARS_TOKEN, JARS (how many), JARS_RATE
(requests a second of all together), JARS_PATHS (JSON: path by app). SIGTERM ends it.
"""

import http.client
import json
import os
import random
import re
import signal
import threading
import time

PATHS = json.loads(os.environ["JARS_PATHS"])
COUNT, RATE = int(os.environ["JARS"]), float(os.environ["JARS_RATE"])
WORKERS = 8
BUCKET = re.compile(r"crossfade-[^=;]*=[^;]*")
stopped = threading.Event()
lock = threading.Lock()
log = open(os.environ["JARS_EVENTS"], "w", buffering=1)


def ask(connection, jar, cookies, app):
    """One request of a jar; its cookie is kept as a browser keeps it."""
    headers = {"Host": os.environ["JARS_SITE"], "Authorization": "token " + os.environ["JARS_TOKEN"]}
    had = jar in cookies
    if had:
        headers["Cookie"] = f"sid=Guest; {cookies[jar]}; system_user=yes"
    connection.request("GET", PATHS[app], headers=headers)
    answer = connection.getresponse()
    answer.read()
    for value in answer.headers.get_all("Set-Cookie") or []:
        found = BUCKET.match(value)
        if found:
            cookies[jar] = found[0]
    line = {"time": round(time.time(), 4), "jar": jar, "app": app, "status": answer.status, "had": had}
    line["version"] = answer.headers.get("X-Bench-Version")
    line["cookie"] = cookies.get(jar)
    with lock:
        log.write(json.dumps(line) + "\n")


def work(number):
    """Asks for every jar of this worker in turn: no jar has two requests at once."""
    jars = range(number, COUNT, WORKERS)
    cookies, choice = {}, random.Random(number)
    connection = http.client.HTTPConnection(os.environ["JARS_HOST"], int(os.environ["JARS_PORT"]), timeout=60)
    begun, sent = time.time(), 0
    while True:
        for jar in jars:
            if stopped.wait(max(0.0, begun + sent * WORKERS / RATE - time.time())):
                return
            ask(connection, jar, cookies, choice.choice(list(PATHS)))
            sent += 1


def main():
    """Until SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    workers = [threading.Thread(target=work, args=(number,)) for number in range(WORKERS)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


main()
