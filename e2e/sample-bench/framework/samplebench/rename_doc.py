"""Renaming a DocType: its rows, its table, and whatever names it."""

from .cache import clear_cache
from .database import quote, table
from .metadata_rows import CHILD_TABLES
from .site import local


def rename_doc(doctype, old, new, force=False):
    """Rename a DocType with RENAME TABLE. Does nothing when the old one is not there.

    Only documents of the DocType `DocType` can be renamed; `force` is what patches pass to
    Frappe and changes nothing here.
    """
    if doctype != "DocType":
        raise ValueError(f"failed to rename {old}: only a DocType can be renamed, not a {doctype}")
    db = local.db
    if not db.exists("DocType", old) or db.exists("DocType", new):
        return
    head = db.sql("SELECT `issingle`, `istable` FROM `tabDocType` WHERE `name` = %s", (old,))[0]
    db.sql("UPDATE `tabDocType` SET `name` = %s WHERE `name` = %s", (new, old))
    for child in CHILD_TABLES.values():
        db.sql(
            f"UPDATE {table(child)} SET `parent` = %s WHERE `parent` = %s AND `parenttype` = 'DocType'",
            (new, old),
        )
    if head["issingle"]:
        db.sql("UPDATE `tabSingles` SET `doctype` = %s WHERE `doctype` = %s", (new, old))
    else:
        db.sql_ddl(f"RENAME TABLE {table(old)} TO {table(new)}")
    for source in ("tabDocField", "tabCustom Field"):
        db.sql(
            f"UPDATE {quote(source)} SET `options` = %s WHERE `options` = %s"
            " AND (`fieldtype` = 'Link' OR `fieldtype` LIKE 'Table%%')",
            (new, old),
        )
    db.sql("UPDATE `tabCustom Field` SET `dt` = %s WHERE `dt` = %s", (new, old))
    db.sql("UPDATE `tabProperty Setter` SET `doc_type` = %s WHERE `doc_type` = %s", (new, old))
    children = db.sql(
        "SELECT DISTINCT `options` FROM `tabDocField` WHERE `parent` = %s"
        " AND `fieldtype` LIKE 'Table%%'",
        (new,),
    )
    for child in children:
        db.sql(
            f"UPDATE {table(child['options'])} SET `parenttype` = %s WHERE `parenttype` = %s", (new, old)
        )
    db.commit()
    clear_cache(local.cache)
