"""The DDL of a DocType: CREATE TABLE, or the up to four ALTERs that bring a table up to date.

The statements, their order and their needless repetitions are those that were measured on
Frappe 15.41: columns are never dropped, a Currency without default is MODIFYed at every sync.
"""

import pymysql

from .cast import cint, flt
from .column_types import APPLICATION_DEFAULTS, NUMBERS, column_type, definition, has_column
from .database import quote, table
from .errors import ValidationError

OPTIONAL = ("_user_tags", "_comments", "_assign", "_liked_by")
LONG = ("text", "longtext")
TAIL = "ROW_FORMAT=DYNAMIC CHARACTER SET=utf8mb4 COLLATE=utf8mb4_unicode_ci"


def sequence_name(doctype):
    """The SEQUENCE of an autoincrement DocType."""
    return doctype.lower().replace(" ", "_").replace("-", "_") + "_id_seq"


def create_statements(doctype, fields, name_length=140):
    """The statements that make the table of a DocType given as its row and its fields."""
    statements = []
    name = f"name varchar({name_length}) primary key"
    if doctype.get("autoname") == "autoincrement":
        sequence = sequence_name(doctype["name"])
        statements.append(f"create sequence if not exists {sequence} nocache nocycle")
        name = "name bigint primary key"
    parts = [
        name,
        "creation datetime(6)",
        "modified datetime(6)",
        f"modified_by varchar({name_length})",
        f"owner varchar({name_length})",
        "docstatus int(1) not null default '0'",
        "idx int(8) not null default '0'",
    ]
    indexes = []
    for field in filter(has_column, fields):
        long = column_type(field) in LONG
        unique = cint(field.get("unique")) and not long
        parts.append(f"{quote(field['fieldname'])} {definition(field)}" + " unique" * bool(unique))
        if cint(field.get("search_index")) and not unique and not long:
            indexes.append(f"index {quote(field['fieldname'])}({quote(field['fieldname'])})")
    if cint(doctype.get("istable")):
        parts += [f"{c} varchar({name_length})" for c in ("parent", "parentfield", "parenttype")]
        indexes.append("index parent(parent)")
    else:
        parts += [f"{quote(column)} text" for column in OPTIONAL]
        if cint(doctype.get("track_seen")):
            parts.append("`_seen` text")
        indexes.append("index modified(modified)")
    engine = doctype.get("engine") or "InnoDB"
    columns = ", ".join(parts + indexes)
    statements.append(f"create table {table(doctype['name'])} ( {columns}) ENGINE={engine} {TAIL}")
    return statements


def _application_default(default):
    return default in APPLICATION_DEFAULTS or str(default).startswith(":")


def _decimal_default_changed(current, new):
    """Decimals: no default now and none wanted is the same; a default that goes is a change."""
    if new in (None, ""):
        return current not in (None, "")
    try:
        wanted = float(new)
    except (TypeError, ValueError):
        return False
    try:
        return float(current) != wanted
    except (TypeError, ValueError):
        return True


def default_changed(field, column):
    """Whether the default in the database differs from what the field says."""
    current, new = column["default"], field.get("default")
    if column["type"].startswith("decimal"):
        return _decimal_default_changed(current, new)
    if field["fieldtype"] in ("Int", "Check"):
        return cint(str(current or "").strip("'")) != cint(new)
    if field["fieldtype"] in NUMBERS:
        return flt(str(current or "").strip("'")) != flt(new)
    if new and _application_default(new):
        return False
    if current is None or current == "NULL":
        current = None
    elif current.startswith("'"):
        current = current[1:-1].replace("''", "'")
    return (current or None) != (new or None)


class TableChange:
    """What a sync has to do to one table, read from the table as it is."""

    def __init__(self, db, doctype, fields):
        self.db = db
        self.doctype = doctype
        self.name = "tab" + doctype["name"]
        self.columns = db.columns(self.name)
        self.add, self.modify, self.unique, self.index, self.drop = [], [], [], [], []
        for field in filter(has_column, fields):
            self._compare(field)
        if cint(doctype.get("track_seen")) and "_seen" not in self.columns:
            self.add.append("ADD COLUMN `_seen` text")
        sort_by_creation = doctype.get("sort_field") == "creation"
        if sort_by_creation and not self.columns.get("creation", {}).get("index"):
            self.index.append("ADD INDEX `creation`(`creation`)")

    def _compare(self, field):
        name, wanted = field["fieldname"], column_type(field)
        column = self.columns.get(name.lower())
        unique = bool(cint(field.get("unique"))) and wanted not in LONG
        index = bool(cint(field.get("search_index"))) and wanted not in LONG
        if column is None:
            text = f"ADD COLUMN {quote(name)} {definition(field)}"
            self.add.append(text + " unique" * unique)
            if unique:
                self._add_unique(name)
            elif index:
                self._add_index(name)
            return
        length_kept = self._length_kept(column, wanted)
        type_changed = column["type"] != wanted and not length_kept
        if type_changed or (default_changed(field, column) and not length_kept):
            self.modify.append(f"MODIFY {quote(name)} {definition(field)}")
        if unique and not column["unique"]:
            self._add_unique(name)
        if column["unique"] and not unique and wanted not in LONG:
            self.drop.append(f"DROP INDEX {quote(self._index_of(name, unique=True))}")
        if index and not column["index"]:
            self._add_index(name)
        if column["index"] and not index and wanted not in LONG:
            self.drop.append(f"DROP INDEX {quote(self._index_of(name, unique=False))}")

    def _length_kept(self, column, wanted):
        """A varchar stays as long as it is while a longer value stands in it."""
        name = column["name"]
        if not (column["type"].startswith("varchar(") and wanted.startswith("varchar(")):
            return False
        new = int(wanted[8:-1])
        if int(column["type"][8:-1]) <= new:
            return False
        longest = self.db.value(
            f"SELECT MAX(CHAR_LENGTH({quote(name)})) AS n FROM {quote(self.name)}"
        )
        return bool(longest and longest > new)

    def _add_unique(self, name):
        self.unique.append(f"ADD UNIQUE INDEX IF NOT EXISTS {name} ({quote(name)})")

    def _add_index(self, name):
        self.index.append(f"ADD INDEX {quote(name + '_index')}({quote(name)})")

    def _index_of(self, name, unique):
        return self.db.value(
            "SELECT `index_name` AS n FROM `information_schema`.`statistics` WHERE `table_name` = %s"
            " AND `column_name` = %s AND `non_unique` = %s AND `seq_in_index` = 1 LIMIT 1",
            (self.name, name, 0 if unique else 1),
        )

    def statements(self):
        """The ALTERs: columns; types, defaults and uniques; indexes; dropped indexes."""
        groups = (self.add, self.modify + self.unique, self.index, self.drop)
        return [f"ALTER TABLE {quote(self.name)} " + ", ".join(g) for g in groups if g]


def sync_table(db, doctype, fields, name_length=140):
    """Create or alter the table of a DocType; the statements that were sent."""
    if cint(doctype.get("issingle")) or cint(doctype.get("is_virtual")):
        return []
    if not db.table_exists(doctype["name"]):
        statements = create_statements(doctype, fields, name_length)
    else:
        statements = TableChange(db, doctype, fields).statements()
    for statement in statements:
        try:
            db.sql_ddl(statement)
        except pymysql.err.IntegrityError as error:
            if error.args[0] != 1062:
                raise
            raise ValidationError(
                f"a field cannot be set as unique in tab{doctype['name']}, "
                f"as there are non-unique existing values: {error.args[1]}"
            ) from error
    return statements
