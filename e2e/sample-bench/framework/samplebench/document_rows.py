"""Rows of documents: INSERT, UPDATE, children, Singles."""

import pymysql

from .controllers import get_controller
from .database import quote, table
from .errors import DuplicateEntryError, UniqueValidationError
from .naming import hash_name
from .site import local


def _duplicate(doc, error):
    """The framework's error for 1062."""
    if "PRIMARY" in str(error.args[1]):
        return DuplicateEntryError(doc.doctype, doc.name, error)
    return UniqueValidationError(doc.doctype, doc.name, error)


def insert_row(doc):
    """INSERT naming exactly the columns that the metadata knows."""
    values = doc.column_values()
    columns = ", ".join(map(quote, values))
    marks = ", ".join(["%s"] * len(values))
    try:
        local.db.sql(
            f"INSERT INTO {table(doc.doctype)} ({columns}) VALUES ({marks})", tuple(values.values())
        )
    except pymysql.err.IntegrityError as error:
        if error.args[0] == 1062:
            raise _duplicate(doc, error) from error
        raise


def update_row(doc):
    """UPDATE of all columns that the metadata knows; others keep what they hold."""
    values = doc.column_values()
    name = values.pop("name")
    columns = ", ".join(f"{quote(column)} = %s" for column in values)
    try:
        local.db.sql(
            f"UPDATE {table(doc.doctype)} SET {columns} WHERE `name` = %s", (*values.values(), name)
        )
    except pymysql.err.IntegrityError as error:
        if error.args[0] == 1062:
            raise _duplicate(doc, error) from error
        raise


def insert_children(doc):
    """INSERT the rows of every Table field of a new document."""
    for field in doc.meta.table_fields:
        get_controller(field["options"])
        for index, row in enumerate(doc.__dict__.get(field["fieldname"]) or [], 1):
            _write_child(doc, row, index)


def update_children(doc):
    """Bring the rows of every Table field up to date.

    The class of every child DocType is imported, also when there is no row: that is what makes
    a child table that only the newer image knows an ImportError at each save of the older one.
    """
    for field in doc.meta.table_fields:
        get_controller(field["options"])
        rows = doc.__dict__.get(field["fieldname"]) or []
        _delete_others(doc, field, [row.name for row in rows if not row.is_new])
        for index, row in enumerate(rows, 1):
            _write_child(doc, row, index)


def _write_child(doc, row, index):
    row.idx, row.parent = index, doc.name
    if row.is_new:
        row.name = row.get("name") or hash_name()
        insert_row(row)
        row.is_new = False
    else:
        update_row(row)


def _delete_others(doc, field, known):
    """Delete the rows that are not in the document any more: by name, or all by parent."""
    child = table(field["options"])
    where = "`parent` = %s AND `parenttype` = %s AND `parentfield` = %s"
    values = (doc.name, doc.doctype, field["fieldname"])
    if not known:
        local.db.sql(f"DELETE FROM {child} WHERE {where}", values)
        return
    marks = ", ".join(["%s"] * len(known))
    gone = local.db.sql(
        f"SELECT `name` FROM {child} WHERE {where} AND `name` NOT IN ({marks})", (*values, *known)
    )
    for row in gone:
        local.db.sql(f"DELETE FROM {child} WHERE `name` = %s", (row["name"],))


def save_single(doc):
    """Delete every row of a Single and insert those that the metadata knows."""
    local.db.sql("DELETE FROM `tabSingles` WHERE `doctype` = %s", (doc.doctype,))
    for column, value in doc.column_values().items():
        if column != "doctype":
            local.db.sql(
                "INSERT INTO `tabSingles` (`doctype`, `field`, `value`) VALUES (%s, %s, %s)",
                (doc.doctype, column, value),
            )
