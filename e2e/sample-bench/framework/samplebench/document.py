"""Documents: loaded with SELECT *, saved by the columns that the metadata knows."""

from .cast import cint, now, to_column, to_json
from .column_types import TABLE_FIELDS
from .controllers import get_controller
from .database import quote, table
from .document_rows import insert_children, insert_row, save_single, update_children, update_row
from .document_rules import set_defaults, validate_lengths, validate_links, validate_mandatory
from .errors import DoesNotExistError, TimestampMismatchError
from .meta import get_meta
from .naming import hash_name, new_name
from .site import local


class Document:
    """One document. Attributes that the metadata does not know stay in Python and go nowhere."""

    def __init__(self, data):
        self.doctype = data["doctype"]
        self.flags = {}
        self.is_new = True
        self.update(data)

    @property
    def meta(self):
        """The metadata of the DocType, as it is now."""
        return get_meta(self.doctype)

    def get(self, key, default=None):
        """An attribute, or a default."""
        value = self.__dict__.get(key)
        return default if value is None else value

    def set(self, key, value):
        """Set an attribute; the rows of a Table field become documents."""
        field = self.meta.by_name.get(key)
        if field and field["fieldtype"] in TABLE_FIELDS:
            self.__dict__[key] = []
            for row in value or []:
                self.append(key, row)
        else:
            self.__dict__[key] = value

    def update(self, data):
        """Set several attributes."""
        for key, value in data.items():
            if key not in ("flags", "is_new", "meta"):
                self.set(key, value)
        return self

    def append(self, key, row):
        """Add a row to a Table field. Needs the class of the child DocType in this image."""
        child_doctype = self.meta.by_name[key]["options"]
        values = row.__dict__ if isinstance(row, Document) else row
        values = {k: v for k, v in values.items() if k not in ("flags", "is_new")}
        child = get_controller(child_doctype)({**values, "doctype": child_doctype})
        child.is_new = not values.get("name")
        child.parenttype, child.parentfield = self.doctype, key
        self.__dict__.setdefault(key, []).append(child)
        child.idx = len(self.__dict__[key])
        return child

    def load(self, name, for_update=False):
        """Read the row with SELECT * (all columns, known or not) and the rows of the children."""
        meta = self.meta
        if meta.issingle:
            return self._load_single()
        lock = " FOR UPDATE" if for_update else ""
        rows = local.db.sql(f"SELECT * FROM {table(self.doctype)} WHERE `name` = %s{lock}", (name,))
        if not rows:
            raise DoesNotExistError(f"{self.doctype} {name} not found")
        self.__dict__.update(rows[0])
        self.is_new = False
        for field in meta.table_fields:
            children = local.db.sql(
                f"SELECT * FROM {table(field['options'])} WHERE `parent` = %s AND `parenttype` = %s"
                " AND `parentfield` = %s ORDER BY `idx`",
                (self.name, self.doctype, field["fieldname"]),
            )
            self.set(field["fieldname"], children)
        return self

    def _load_single(self):
        rows = local.db.sql(
            "SELECT `field`, `value` FROM `tabSingles` WHERE `doctype` = %s", (self.doctype,)
        )
        values = {row["field"]: row["value"] for row in rows}
        for field in self.meta.data_fields:
            name = field["fieldname"]
            if name in values:
                values[name] = to_column(field, values[name])
        self.__dict__.update(values)
        self.name = self.doctype
        self.is_new = False
        return self

    def as_dict(self):
        """What the metadata knows of the document; nulls are left out."""
        meta = self.meta
        shown = {}
        for column, value in self.column_values().items():
            if value is not None:
                shown[column] = to_json(value)
        shown["doctype"] = self.doctype
        for field in meta.table_fields:
            rows = self.__dict__.get(field["fieldname"]) or []
            shown[field["fieldname"]] = [row.as_dict() for row in rows]
        return shown

    def column_values(self):
        """Column and value for an INSERT or UPDATE, cast as the fields say."""
        meta = self.meta
        values = {}
        for column in meta.columns():
            value = self.__dict__.get(column)
            field = meta.by_name.get(column)
            values[column] = to_column(field, value) if field else value
        values["docstatus"] = cint(values.get("docstatus"))
        values["idx"] = cint(values.get("idx"))
        return values

    def insert(self):
        """Add the document with its children."""
        self._stamp()
        self.is_new = True
        meta = self.meta
        self.run("before_insert")
        set_defaults(self)
        if not meta.issingle:
            self.name = new_name(meta, self)
        for child in self.children():
            set_defaults(child)
            child.parent = self.name
        self._validate()
        if meta.issingle:
            save_single(self)
        else:
            insert_row(self)
        self.is_new = False
        insert_children(self)
        self.run("after_insert")
        self._saved()
        return self

    def save(self):
        """Write the document with its children; every column that the metadata knows."""
        if self.is_new and not self.meta.issingle:
            return self.insert()
        if not self.meta.issingle:
            self._check_if_latest()
        self._stamp()
        for child in self.children():
            child.parent = self.name
            if child.is_new:
                set_defaults(child)
        self._validate()
        if self.meta.issingle:
            save_single(self)
        else:
            update_row(self)
        update_children(self)
        self._saved()
        return self

    def delete(self):
        """Delete the document."""
        from .delete_document import delete_document

        delete_document(self.doctype, self.name)

    def children(self):
        """The rows of all Table fields."""
        for field in self.meta.table_fields:
            yield from self.__dict__.get(field["fieldname"]) or []

    def run(self, method):
        """Call a hook of the class, if it has it."""
        hook = getattr(self, method, None)
        if hook:
            hook()

    def _validate(self):
        self.run("validate")
        self.run("before_save")
        for doc in (self, *self.children()):
            validate_mandatory(doc)
            validate_links(doc)
            validate_lengths(doc)

    def _saved(self):
        local.cache.delete(f"document_cache::{self.doctype}::{self.name}")
        self.run("on_update")

    def _check_if_latest(self):
        current = local.db.value(
            f"SELECT `modified` FROM {table(self.doctype)} WHERE `name` = %s FOR UPDATE", (self.name,)
        )
        if current is None:
            raise DoesNotExistError(f"{self.doctype} {self.name} not found")
        if self.get("modified") and to_json(current) != to_json(self.modified):
            raise TimestampMismatchError(
                f"Error: Document has been modified after you have opened it "
                f"({to_json(self.modified)}, {to_json(current)}). Please refresh to get the latest "
                "document."
            )

    def _stamp(self):
        self.modified, self.modified_by = now(), local.user
        if self.is_new:
            self.creation, self.owner = self.modified, local.user
        for child in self.children():
            child.modified, child.modified_by = self.modified, local.user
            if child.is_new:
                child.creation, child.owner = self.modified, local.user
                child.name = hash_name()


def new_doc(doctype, **values):
    """A new document, not yet in the database."""
    return get_controller(doctype)({**values, "doctype": doctype})


def get_doc(doctype, name=None, for_update=False):
    """A document of the database, or a new one from a dict with `doctype`."""
    if isinstance(doctype, dict):
        return get_controller(doctype["doctype"])(doctype)
    return get_controller(doctype)({"doctype": doctype}).load(name or doctype, for_update)


def get_cached_doc(doctype, name=None):
    """A document as dict from the cache of the site, read when it is not there."""
    key = f"document_cache::{doctype}::{name or doctype}"
    values = local.cache.get(key)
    if values is None:
        values = get_doc(doctype, name).as_dict()
        local.cache.set(key, values)
    return values


def set_value(doctype, name, values):
    """Write columns of one row without loading the document."""
    columns = ", ".join(f"{quote(column)} = %s" for column in values)
    local.db.sql(
        f"UPDATE {table(doctype)} SET {columns} WHERE `name` = %s", (*values.values(), name)
    )
    local.cache.delete(f"document_cache::{doctype}::{name}")
