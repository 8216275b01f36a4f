"""The metadata of a DocType as rows: tabDocType, tabDocField and their kin.

The columns come from the framework's own JSON files, since these rows are what describes
every DocType, themselves included.
"""

import json
from functools import lru_cache
from pathlib import Path

from .cast import now, to_column
from .column_types import has_column
from .controllers import scrub
from .database import quote, table
from .naming import hash_name

# Field of a DocType's JSON, and the DocType of its rows.
CHILD_TABLES = {
    "fields": "DocField",
    "permissions": "DocPerm",
    "actions": "DocType Action",
    "links": "DocType Link",
    "states": "DocType State",
}
BOOTSTRAP = ("DocType", *CHILD_TABLES.values())


@lru_cache(maxsize=None)
def core_json(doctype):
    """The JSON of one of the framework's DocTypes."""
    folder = Path(__file__).parent / "core" / "doctype" / scrub(doctype)
    return json.loads((folder / f"{scrub(doctype)}.json").read_text())


def _row(doctype, values, extra):
    """Column and value for a metadata row: known fields with their defaults, then `extra`."""
    stamp = now()
    row = {"creation": stamp, "modified": stamp, "owner": "Administrator", "docstatus": 0}
    row["modified_by"] = "Administrator"
    for field in filter(has_column, core_json(doctype)["fields"]):
        value = values.get(field["fieldname"], field.get("default"))
        row[field["fieldname"]] = to_column(field, value)
    row.update(extra)
    return row


def _insert(db, doctype, rows):
    if not rows:
        return
    columns = ", ".join(map(quote, rows[0]))
    marks = ", ".join(["%s"] * len(rows[0]))
    statement = f"INSERT INTO {table(doctype)} ({columns}) VALUES ({marks})"
    for row in rows:
        db.sql(statement, tuple(row.values()))


def delete_rows(db, name):
    """Delete the metadata rows of a DocType; its data stays."""
    for child in CHILD_TABLES.values():
        db.sql(f"DELETE FROM {table(child)} WHERE `parent` = %s AND `parenttype` = 'DocType'", (name,))
    db.sql("DELETE FROM `tabDocType` WHERE `name` = %s", (name,))


def insert_rows(db, source):
    """Insert the metadata rows of a DocType given as its JSON."""
    name = source["name"]
    kept = {k: source[k] for k in ("creation", "modified", "owner", "modified_by") if source.get(k)}
    _insert(db, "DocType", [_row("DocType", source, {"name": name, "idx": 0, **kept})])
    for fieldname, child in CHILD_TABLES.items():
        rows = []
        for index, values in enumerate(source.get(fieldname) or [], 1):
            extra = {
                "name": hash_name(),
                "idx": index,
                "parent": name,
                "parentfield": fieldname,
                "parenttype": "DocType",
            }
            rows.append(_row(child, values, extra))
        _insert(db, child, rows)
