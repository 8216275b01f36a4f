"""`bench seed`: fill a table fast with plausible rows, many to a statement."""

import datetime
import random

from .column_types import column_type
from .database import quote, table
from .meta import get_meta
from .naming import hash_name
from .site import local

BATCH = 500
WORDS = "amber birch cedar delta ember fjord grove harbour iris juniper kelp lark moss".split()


def value_for(field, number, links):
    """A value that fits a field."""
    kind = field["fieldtype"]
    if field.get("unique"):
        return f"{field['fieldname']}-{number:08d}"
    if kind == "Link":
        return random.choice(links.get(field.get("options")) or [None])
    if kind == "Select":
        return random.choice((field.get("options") or "").split("\n"))
    if kind in ("Int", "Check"):
        return random.randint(0, 1 if kind == "Check" else 50)
    if kind in ("Currency", "Float", "Percent"):
        return round(random.uniform(1, 900), 2)
    if kind == "Date":
        return datetime.date(2026, 1, 1) + datetime.timedelta(days=number % 300)
    if kind in ("Datetime", "Time"):
        return None
    if kind == "JSON":
        return '{"seeded": true}'
    if field["fieldname"].endswith("_no"):
        return str(number)
    text = f"{random.choice(WORDS)} {random.choice(WORDS)} {number}"
    return text if column_type(field) != "varchar(1)" else "x"


def _links(meta):
    """Some names for every Link field."""
    links = {}
    for field in meta.link_fields:
        target = field.get("options")
        if target and target not in links and not get_meta(target).issingle:
            rows = local.db.sql(f"SELECT `name` FROM {table(target)} LIMIT 500")
            links[target] = [row["name"] for row in rows]
    return links


def seed(doctype, rows, children=0.1):
    """Insert rows; a share of them gets one row in the first Table field."""
    meta = get_meta(doctype)
    links = _links(meta)
    for field in meta.link_fields:
        if field.get("reqd") and not links.get(field["options"]):
            seed(field["options"], 50)
            links = _links(meta)
    start = local.db.value(f"SELECT COUNT(*) AS n FROM {table(doctype)}")
    stamp = datetime.datetime(2026, 1, 1)
    names = []
    for begin in range(start, start + rows, BATCH):
        batch = []
        for number in range(begin, min(begin + BATCH, start + rows)):
            row = {f["fieldname"]: value_for(f, number, links) for f in meta.data_fields}
            rule = meta.autoname
            name = row[rule[6:]] if rule.startswith("field:") else hash_name()
            moment = stamp + datetime.timedelta(seconds=number)
            batch.append((name, moment, moment, "Administrator", "Administrator", *row.values()))
        columns = ["name", "creation", "modified", "owner", "modified_by"]
        columns += [f["fieldname"] for f in meta.data_fields]
        _insert_many(doctype, columns, batch)
        names += [row[0] for row in batch]
        print(f"Seeding {doctype}: {min(begin + BATCH, start + rows) - start}/{rows}", flush=True)
    if meta.table_fields and names:
        _seed_children(meta, names[: int(len(names) * children)])
    local.db.commit()


def _insert_many(doctype, columns, rows):
    local.db.connection or local.db.connect()
    marks = ", ".join(["%s"] * len(columns))
    statement = f"INSERT INTO {table(doctype)} ({', '.join(map(quote, columns))}) VALUES ({marks})"
    with local.db.connection.cursor() as cursor:
        cursor.executemany(statement, rows)
    local.db.commit()


def _seed_children(meta, parents):
    field = meta.table_fields[0]
    child = get_meta(field["options"])
    links = _links(child)
    columns = ["name", "parent", "parenttype", "parentfield", "idx"]
    columns += [f["fieldname"] for f in child.data_fields]
    rows = []
    for number, parent in enumerate(parents):
        values = [value_for(f, number, links) for f in child.data_fields]
        rows.append((hash_name(), parent, meta.name, field["fieldname"], 1, *values))
    for begin in range(0, len(rows), BATCH):
        _insert_many(child.name, columns, rows[begin : begin + BATCH])
