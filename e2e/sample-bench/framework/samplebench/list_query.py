"""Lists: fields, filters, order and page of the REST interface as SQL."""

import re

from .cast import cint, to_json
from .database import quote, table
from .errors import DataError
from .meta import get_meta
from .schema import OPTIONAL
from .site import local

OPERATORS = {
    "=", "!=", "<", ">", "<=", ">=", "like", "not like", "in", "not in", "is", "between",
}  # fmt: skip
_AGGREGATE = re.compile(r"^count\((?:\*|`?name`?)\)(?: as `?(\w+)`?)?$", re.IGNORECASE)


def _column(name):
    if not re.fullmatch(r"\w+", name):
        raise DataError(f"Invalid field name: {name}")
    return quote(name)


def _selected(meta, fields):
    """The SELECT list. A field that the metadata does not know is refused (417)."""
    known = [*meta.columns(), *OPTIONAL]
    parts = []
    for field in fields:
        name = field.strip().strip("`")
        aggregate = _AGGREGATE.match(name)
        if name == "*":
            parts += [quote(column) for column in meta.columns()]
        elif aggregate:
            parts.append("COUNT(*)" + (f" AS {quote(aggregate[1])}" if aggregate[1] else ""))
        elif name in known:
            parts.append(quote(name))
        else:
            raise DataError(f"Field not permitted in query: {field}")
    return ", ".join(parts)


def _condition(name, operator, value, values):
    """One condition; its values are added to the list."""
    operator = operator.lower().strip()
    if operator not in OPERATORS:
        raise DataError(f"Operator must be one of {', '.join(sorted(OPERATORS))}")
    column = _column(name)
    if operator == "is":
        return f"IFNULL({column}, '') {'!=' if value == 'set' else '='} ''"
    if operator in ("in", "not in"):
        items = value.split(",") if isinstance(value, str) else list(value)
        values += items or [""]
        return f"{column} {operator.upper()} ({', '.join(['%s'] * max(1, len(items)))})"
    if operator == "between":
        values += list(value)[:2]
        return f"{column} BETWEEN %s AND %s"
    values.append(value)
    return f"{column} {operator.upper()} %s"


def _where(filters):
    """The WHERE clause for filters as a dict or as a list of lists."""
    conditions, values = [], []
    if isinstance(filters, dict):
        filters = [
            [name, *value] if isinstance(value, (list, tuple)) else [name, "=", value]
            for name, value in filters.items()
        ]
    for item in filters or []:
        if len(item) == 4:
            item = item[1:]
        if len(item) == 2:
            item = [item[0], "=", item[1]]
        conditions.append(_condition(*item, values))
    return (" WHERE " + " AND ".join(conditions) if conditions else ""), values


def _order(meta, order_by):
    if not order_by:
        field, direction = meta.sort()
        return f"{_column(field)} {'ASC' if direction.upper() == 'ASC' else 'DESC'}"
    parts = []
    for part in order_by.split(","):
        words = part.replace("`", "").split()
        direction = words[1].upper() if len(words) > 1 else "ASC"
        if direction not in ("ASC", "DESC") or len(words) > 2 or not words:
            raise DataError(f"Invalid order: {order_by}")
        parts.append(f"{_column(words[0].split('.')[-1])} {direction}")
    return ", ".join(parts)


def get_list(doctype, fields=None, filters=None, order_by=None, start=0, page_length=20):
    """Rows of a DocType as dicts."""
    meta = get_meta(doctype)
    where, values = _where(filters)
    fields = fields or ["name"]
    query = f"SELECT {_selected(meta, fields)} FROM {table(doctype)}{where}"
    if not any(_AGGREGATE.match(str(field)) for field in fields):
        query += f" ORDER BY {_order(meta, order_by)}"
    if cint(page_length):
        query += f" LIMIT {cint(page_length)} OFFSET {cint(start)}"
    rows = local.db.sql(query, values)
    return [{key: to_json(value) for key, value in row.items()} for row in rows]


