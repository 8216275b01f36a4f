"""Metadata: rows of the site's database, merged with customisations, cached in Redis.

The JSON files of the apps are read by `migrate` alone. Whoever changes the rows changes what
every process that shares the database knows of a DocType.
"""

from .cast import cint
from .column_types import TABLE_FIELDS, has_column
from .errors import DoesNotExistError
from .site import local

DEFAULT_COLUMNS = ("name", "owner", "creation", "modified", "modified_by", "docstatus", "idx")
CHILD_COLUMNS = ("parent", "parentfield", "parenttype")
FIELD_KEYS = (
    "fieldname fieldtype label options default reqd unique length is_virtual search_index "
    "set_only_once read_only"
).split()
DOCTYPE_KEYS = (
    "name module issingle istable is_virtual custom autoname sort_field sort_order track_seen "
    "title_field engine"
).split()


class Meta:
    """A DocType as it is on this site now."""

    def __init__(self, data):
        self.data = data
        self.name = data["doctype"]["name"]
        self.module = data["doctype"].get("module")
        self.issingle = bool(cint(data["doctype"].get("issingle")))
        self.istable = bool(cint(data["doctype"].get("istable")))
        self.custom = bool(cint(data["doctype"].get("custom")))
        self.autoname = data["doctype"].get("autoname") or ""
        self.fields = data["fields"]
        self.permissions = data["permissions"]
        self.by_name = {field["fieldname"]: field for field in self.fields}
        self.data_fields = [field for field in self.fields if has_column(field)]
        self.table_fields = [f for f in self.fields if f["fieldtype"] in TABLE_FIELDS]
        self.link_fields = [f for f in self.data_fields if f["fieldtype"] == "Link"]

    def columns(self):
        """The columns that INSERT and UPDATE name: known to the metadata, not to the table."""
        extra = CHILD_COLUMNS if self.istable else ()
        return [*DEFAULT_COLUMNS, *(f["fieldname"] for f in self.data_fields), *extra]

    def sort(self):
        """Column and direction of a list, by default."""
        row = self.data["doctype"]
        return row.get("sort_field") or "modified", row.get("sort_order") or "DESC"


def _apply_customisation(db, name, row, fields):
    for custom in db.sql("SELECT * FROM `tabCustom Field` WHERE `dt` = %s ORDER BY idx", (name,)):
        fields.append(custom)
    by_name = {field["fieldname"]: field for field in fields}
    for setter in db.sql("SELECT * FROM `tabProperty Setter` WHERE `doc_type` = %s", (name,)):
        target = row if setter["doctype_or_field"] == "DocType" else by_name.get(setter["field_name"])
        if target is not None:
            target[setter["property"]] = setter["value"]


def read_meta(db, name):
    """The metadata of a DocType from the rows of the database."""
    rows = db.sql("SELECT * FROM `tabDocType` WHERE `name` = %s", (name,))
    if not rows:
        raise DoesNotExistError(f"DocType {name} not found")
    row = rows[0]
    fields = list(
        db.sql(
            "SELECT * FROM `tabDocField` WHERE `parent` = %s AND `parenttype` = 'DocType'"
            " ORDER BY `idx`",
            (name,),
        )
    )
    _apply_customisation(db, name, row, fields)
    permissions = db.sql("SELECT * FROM `tabDocPerm` WHERE `parent` = %s ORDER BY `idx`", (name,))
    rights = ("read", "write", "create", "delete")
    return {
        "doctype": {k: row[k] for k in DOCTYPE_KEYS if row.get(k) not in (None, "", 0)},
        "fields": [
            {k: f[k] for k in FIELD_KEYS if f.get(k) not in (None, "", 0)}
            for f in fields
            if f.get("fieldname")
        ],
        "permissions": [
            {"role": p["role"], **{r: 1 for r in rights if cint(p[r])}} for p in permissions
        ],
    }


def get_meta(name, cached=True):
    """The metadata of a DocType: of this request, of the Redis hash `doctype_meta`, of the rows."""
    if cached and name in local.meta:
        return local.meta[name]
    data = local.cache.hget("doctype_meta", name) if cached else None
    if data is None:
        data = read_meta(local.db, name)
        local.cache.hset("doctype_meta", name, data)
    meta = local.meta[name] = Meta(data)
    return meta


def forget(name):
    """Forget a DocType in this request."""
    local.meta.pop(name, None)
