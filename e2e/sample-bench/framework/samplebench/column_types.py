"""Which column a field becomes: type, length, NOT NULL and default."""

from .cast import cint, flt

VARCHAR, VARCHAR_MAX = 140, 1000

TYPES = {
    "Currency": "decimal(21,9)",
    "Float": "decimal(21,9)",
    "Percent": "decimal(21,9)",
    "Duration": "decimal(21,9)",
    "Rating": "decimal(3,2)",
    "Int": "int(11)",
    "Check": "int(1)",
    "Date": "date",
    "Datetime": "datetime(6)",
    "Time": "time(6)",
    "JSON": "json",
}
for _kind in ("Small Text", "Text", "Password", "Attach", "Attach Image"):
    TYPES[_kind] = "text"
for _kind in (
    "Long Text;Code;Text Editor;Markdown Editor;HTML Editor;Signature;Barcode;Geolocation".split(";")
):
    TYPES[_kind] = "longtext"
for _kind in "Data;Link;Dynamic Link;Select;Read Only;Color;Icon;Phone;Autocomplete".split(";"):
    TYPES[_kind] = "varchar"

NUMBERS = ("Check", "Int", "Currency", "Float", "Percent")
TABLE_FIELDS = ("Table", "Table MultiSelect")
# Defaults that the application fills in; they never become a default of the column.
APPLICATION_DEFAULTS = ("Today", "__today", "now", "Now", "__user", "_Login", "_Full Name")


def has_column(field):
    """Whether a field is stored in a column."""
    return field["fieldtype"] in TYPES and not cint(field.get("is_virtual"))


def column_type(field):
    """The type of the column as information_schema spells it (but json, see README)."""
    kind, length = field["fieldtype"], cint(field.get("length"))
    base = TYPES[kind]
    if base == "varchar":
        return f"varchar({min(length, VARCHAR_MAX) if length else VARCHAR})"
    if kind == "Int" and length:
        if length > 11:
            return "bigint(20)"
        if length < 11:
            return f"int({length})"
    return base


def number_text(value):
    """A number without a needless fraction: 5 for 5.0."""
    return f"{value:.9f}".rstrip("0").rstrip(".") if value % 1 else str(int(value))


def column_default(field):
    """The DEFAULT clause with a leading blank, `not null` before it for numbers; may be empty."""
    kind, default = field["fieldtype"], field.get("default")
    if kind in ("Check", "Int"):
        return f" not null default {cint(default)}"
    if kind in NUMBERS:
        return f" not null default {number_text(flt(default))}"
    if not default or default in APPLICATION_DEFAULTS or str(default).startswith(":"):
        return ""
    escaped = str(default).replace("\\", "\\\\").replace("'", "\\'")
    return f" default '{escaped}'"


def definition(field):
    """Type and default of the column of a field."""
    return column_type(field) + column_default(field)
