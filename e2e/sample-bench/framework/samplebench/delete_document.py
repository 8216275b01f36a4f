"""Deleting a document: the row is locked without waiting, then links are looked for."""

from .database import quote, table
from .document import get_doc
from .errors import DoesNotExistError, LinkExistsError, QueryTimeoutError
from .site import local


def link_fields_to(doctype):
    """DocType and field of every Link to a DocType, by the metadata rows; cached per site."""
    found = local.cache.hget("link_fields", doctype)
    if found is None:
        rows = local.db.sql(
            "SELECT f.`parent`, f.`fieldname`, d.`issingle`, d.`istable` FROM `tabDocField` f"
            " JOIN `tabDocType` d ON d.`name` = f.`parent`"
            " WHERE f.`options` = %s AND f.`fieldtype` = 'Link'",
            (doctype,),
        )
        found = [[r["parent"], r["fieldname"], r["istable"]] for r in rows if not r["issingle"]]
        local.cache.hset("link_fields", doctype, found)
    return found


def _refuse_linked(doctype, name):
    for parent, fieldname, istable in link_fields_to(doctype):
        column = "`parent`" if istable else "`name`"
        other = local.db.value(
            f"SELECT {column} AS n FROM {table(parent)} WHERE {quote(fieldname)} = %s LIMIT 1", (name,)
        )
        if other and not (parent == doctype and other == name):
            raise LinkExistsError(
                f"Cannot delete or cancel because {doctype} {name} is linked with {parent} {other}"
            )


def delete_document(doctype, name, force=False):
    """Delete a document and its child rows, by the Table fields that the metadata rows name."""
    db = local.db
    try:
        row = db.sql(
            f"SELECT `name` FROM {table(doctype)} WHERE `name` = %s FOR UPDATE NOWAIT", (name,)
        )
    except QueryTimeoutError as error:
        raise QueryTimeoutError(
            "This document can not be deleted right now as it's being modified by another user. "
            f"Please try again after some time. {error.args}"
        ) from error
    if not row:
        raise DoesNotExistError(f"{doctype} {name} not found")
    if not force:
        get_doc(doctype, name).run("on_trash")
        _refuse_linked(doctype, name)
    db.sql(f"DELETE FROM {table(doctype)} WHERE `name` = %s", (name,))
    children = db.sql(
        "SELECT `options` FROM `tabDocField` WHERE `parent` = %s AND `fieldtype` LIKE 'Table%%'"
        " UNION SELECT `options` FROM `tabCustom Field` WHERE `dt` = %s"
        " AND `fieldtype` LIKE 'Table%%'",
        (doctype, doctype),
    )
    for child in children:
        db.sql(
            f"DELETE FROM {table(child['options'])} WHERE `parenttype` = %s AND `parent` = %s",
            (doctype, name),
        )
    local.cache.delete(f"document_cache::{doctype}::{name}")
