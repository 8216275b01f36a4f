"""JSON answers, and the error bodies in Frappe's shape."""

import json
import os
import traceback

from werkzeug.wrappers import Response

from .error_log import log_error
from .site import BENCH, local

SILENT = ("AuthenticationError", "SessionStopped")


def bench_version():
    """Which image answers: SAMPLE_BENCH_VERSION, or the file VERSION of the bench."""
    version = os.environ.get("SAMPLE_BENCH_VERSION")
    path = BENCH / "VERSION"
    return version or (path.read_text().strip() if path.exists() else "unknown")


VERSION = bench_version()


def json_response(body, status=200):
    """A JSON answer that names the image that gave it."""
    response = Response(
        json.dumps(body, default=str), status=status, content_type="application/json"
    )
    response.headers["X-Bench-Version"] = VERSION
    return response


def error_response(error):
    """exc_type, exception, exc (a JSON list of tracebacks) and _server_messages."""
    status = getattr(error, "http_status_code", 500)
    kind = type(error).__name__
    trace = traceback.format_exc()
    body = {
        "exception": trace.strip().splitlines()[-1],
        "exc_type": kind,
        "exc": json.dumps([trace]),
    }
    if status != 500:
        message = json.dumps({"message": str(error), "title": "Message", "indicator": "red"})
        body["_server_messages"] = json.dumps([message])
    if status == 503:
        body["message"] = "Updating. We'll be back shortly."
    if status == 500 and kind not in SILENT and getattr(local, "cache", None):
        log_error(body["exception"], trace)
    return json_response(body, status)
