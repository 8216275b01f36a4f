"""Renaming a field after the sync has added the new column: one UPDATE over the whole table."""

from .column_types import TABLE_FIELDS
from .database import quote, table
from .meta import get_meta
from .site import local


def rename_field(doctype, old, new):
    """Copy the values of a field to its new name and mend what names it. The old column stays.

    Does nothing more when the metadata has no new field or the table no old column.
    """
    meta = get_meta(doctype, cached=False)
    field = meta.by_name.get(new)
    if field is None:
        print(f"rename_field: {new} not found in {doctype}", flush=True)
        return
    db = local.db
    if field["fieldtype"] in TABLE_FIELDS:
        db.sql(
            f"UPDATE {table(field['options'])} SET `parentfield` = %s"
            " WHERE `parentfield` = %s AND `parenttype` = %s",
            (new, old, doctype),
        )
    elif meta.issingle:
        db.sql(
            "UPDATE `tabSingles` SET `field` = %s WHERE `doctype` = %s AND `field` = %s",
            (new, doctype, old),
        )
    else:
        if old.lower() not in db.columns("tab" + doctype):
            print(f"rename_field: {old} not found in table for {doctype}", flush=True)
            return
        db.sql(f"UPDATE {table(doctype)} SET {quote(new)} = {quote(old)}")
        if field["fieldtype"] == "Password":
            db.sql(
                "UPDATE `__Auth` SET `fieldname` = %s WHERE `doctype` = %s AND `fieldname` = %s",
                (new, doctype, old),
            )
    _mend(doctype, old, new)


def _mend(doctype, old, new):
    """Property Setters, Custom Fields and user settings that name the field."""
    db = local.db
    db.sql(
        "UPDATE `tabProperty Setter` SET `field_name` = %s WHERE `doc_type` = %s"
        " AND `field_name` = %s",
        (new, doctype, old),
    )
    db.sql(
        "UPDATE `tabCustom Field` SET `insert_after` = %s WHERE `dt` = %s AND `insert_after` = %s",
        (new, doctype, old),
    )
    for row in db.sql("SELECT * FROM `__UserSettings` WHERE `doctype` = %s", (doctype,)):
        text = row["data"] or ""
        db.sql(
            "UPDATE `__UserSettings` SET `data` = %s WHERE `user` = %s AND `doctype` = %s",
            (text.replace(f'"{old}"', f'"{new}"'), row["user"], doctype),
        )
