"""The casts that happen in Python before a value reaches a column."""

import datetime
import json
import re

_NUMBER = re.compile(r"^\s*[-+]?\d*\.?\d+(?:[eE][-+]?\d+)?\s*$")


def flt(value):
    """A float; 0.0 for what is none."""
    if isinstance(value, str):
        value = value.replace(",", "")
        if not _NUMBER.match(value):
            return 0.0
    try:
        return float(value or 0)
    except (TypeError, ValueError):
        return 0.0


def cint(value):
    """An int, cut; 0 for what is none."""
    try:
        return int(flt(value))
    except (OverflowError, ValueError):
        return 0


def to_column(field, value):
    """The value of a field as its column wants it."""
    kind = field["fieldtype"]
    if kind == "Check":
        return 1 if cint(value) else 0
    if kind == "Int":
        return value if type(value) is int else cint(value)
    if kind in ("Currency", "Float", "Percent"):
        return flt(value)
    if kind in ("Date", "Datetime", "Time") and value in ("", None):
        return None
    if kind in ("Rating", "Duration"):
        return None if value in ("", None) else flt(value)
    if kind == "JSON" and isinstance(value, (dict, list)):
        return json.dumps(value)
    if field.get("unique") and value == "":
        return None
    if isinstance(value, (dict, list)):
        return json.dumps(value)
    return value


def to_json(value):
    """The value of a column as the HTTP interface shows it."""
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ", timespec="microseconds")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return str(value)
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if value.__class__.__name__ == "Decimal":
        return float(value)
    return value


def now():
    """The time of the site, to the microsecond, without a zone."""
    return datetime.datetime.now()
