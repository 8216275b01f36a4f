"""How a new document gets its name: hash, field, naming series, autoincrement, prompt."""

import re
import secrets

from .errors import ValidationError
from .schema import sequence_name
from .site import local

_ALPHABET = "0123456789abcdefghijklmnopqrstuv"


def hash_name():
    """Ten random characters."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(10))


def next_in_series(series):
    """The next name of a series as `PAY-.####`; the row of tabSeries is locked until commit."""
    prefix, _, digits = series.rpartition(".")
    if not re.fullmatch(r"#+", digits):
        raise ValidationError(f"Invalid naming series: {series}")
    prefix = prefix.rstrip(".")
    db = local.db
    current = db.value("SELECT `current` FROM `tabSeries` WHERE `name` = %s FOR UPDATE", (prefix,))
    if current is None:
        db.sql("INSERT INTO `tabSeries` (`name`, `current`) VALUES (%s, 1)", (prefix,))
        current = 0
    else:
        db.sql("UPDATE `tabSeries` SET `current` = `current` + 1 WHERE `name` = %s", (prefix,))
    return f"{prefix}{current + 1:0{len(digits)}d}"


def new_name(meta, doc):
    """The name for a document that has none yet."""
    rule = meta.autoname
    if rule == "autoincrement":
        return local.db.value(f"SELECT NEXTVAL(`{sequence_name(meta.name)}`) AS n")
    if rule.startswith("field:"):
        name = doc.get(rule[6:])
        if not name:
            raise ValidationError(f"{rule[6:]} is required")
        return str(name).strip()
    if rule == "naming_series:":
        series = doc.get("naming_series")
        if not series:
            raise ValidationError("Naming Series mandatory")
        return next_in_series(series)
    if "#" in rule:
        return next_in_series(rule.removeprefix("format:"))
    if rule.lower() == "prompt":
        if not doc.get("name"):
            raise ValidationError("Please set the document name")
        return doc.get("name")
    return hash_name()
