"""The DDL of the sync against DDL that was recorded from Frappe 15.41, if the recording is there.

The recording is read from $CROSSFADE_SHARED (default: `shared` beside the repository) and is not
part of the project.
"""

import json
import os
import re
import sys
import unittest
from pathlib import Path

from private_servers import servers

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "framework"))

from samplebench.database import Database  # noqa: E402
from samplebench.errors import ValidationError  # noqa: E402
from samplebench.schema import TableChange, create_statements, sync_table  # noqa: E402

import pymysql  # noqa: E402

SHARED = Path(os.environ.get("CROSSFADE_SHARED") or HERE.parents[3] / "shared")
GOLDEN = SHARED / "frappe-site" / "golden-ddl.json"
SCHEMA = "_golden"

# Rows that a case's name speaks of; they stand in the table before the ALTER.
ROWS = {
    "length narrowed, data too long (reverted)": ("a", ["x" * 300]),
    "unique on, duplicates": ("a", ["same", "same"]),
    "type Data -> Int with '' values": ("x", [""]),
    "type Data -> Int with digits": ("x", ["12"]),
    "type Data -> Int with NULL": ("x", [None]),
    "type Data -> Date with text": ("x", ["hello"]),
    "type Text -> Data too long": ("x", ["x" * 300]),
    "type Int -> Check value 7": ("x", [7]),
    "type Currency -> Int 1.7": ("x", [1.7]),
}


def clauses(statement):
    """A statement as its head and its clauses, ordered: Frappe orders MODIFYs by a set."""
    text = " ".join(statement.split())
    head = re.match(r"ALTER TABLE `[^`]+` ", text, re.IGNORECASE)
    if not head:
        return text
    parts = re.split(r", (?=ADD |MODIFY |DROP )", text[head.end() :])
    return (head.group().strip(), tuple(sorted(parts)))


def normal(statements):
    """Statements that can be compared."""
    return [clauses(s) for s in statements or []]


def error_code(text):
    """The number of a MariaDB error, or the name of the exception."""
    number = re.search(r"\((\d{4}),", text or "")
    return number.group(1) if number else (text or "").split(":")[0]


@unittest.skipUnless(GOLDEN.exists(), f"no recording at {GOLDEN}")
class GoldenDdl(unittest.TestCase):
    """Every recorded case."""

    @classmethod
    def setUpClass(cls):
        cls.servers = servers()
        cls.servers.sql(f"DROP DATABASE IF EXISTS {SCHEMA}")
        cls.servers.sql(f"CREATE DATABASE {SCHEMA}")
        conf = {"db_host": "127.0.0.1", "db_port": cls.servers.db_port, "db_user": "admin"}
        cls.db = Database({**conf, "db_password": "admin", "db_name": SCHEMA})

    @classmethod
    def tearDownClass(cls):
        cls.db.close()

    def sync(self, doctype):
        """What the sync would send, what came of it when sent."""
        fields = doctype["fields"]
        if doctype.get("issingle"):
            planned = []
        elif self.db.table_exists(doctype["name"]):
            planned = TableChange(self.db, doctype, fields).statements()
        else:
            planned = create_statements(doctype, fields)
        try:
            sync_table(self.db, doctype, fields)
            return planned, ""
        except (pymysql.err.Error, ValidationError) as error:
            self.db.rollback()
            return planned, f"{type(error).__name__}: {error.args}"

    def check(self, case):
        """One case: create, rows, alter, and the sync again."""
        sent, error = self.sync(case["old"])
        self.assertEqual(normal(sent), normal(case["create_ddl"]))
        self.assertEqual(error_code(error), error_code(case["create_err"]))
        if not case["new"]:
            return
        column, values = ROWS.get(case["case"], (None, []))
        for number, value in enumerate(values):
            self.db.sql(
                f"INSERT INTO `tab{case['doctype']}` (`name`, `{column}`) VALUES (%s, %s)",
                (str(number), value),
            )
        self.db.commit()
        for sent_key, error_key in (("alter_ddl", "alter_err"), ("resync_ddl", "resync_err")):
            sent, error = self.sync(case["new"])
            self.assertEqual(normal(sent), normal(case[sent_key]), sent_key)
            self.assertEqual(error_code(error), error_code(case[error_key]), error_key)

    def test_every_case(self):
        """All cases give Frappe's statements and Frappe's errors."""
        cases = json.loads(GOLDEN.read_text())["cases"]
        self.assertGreater(len(cases), 60)
        equal = 0
        for case in cases:
            with self.subTest(case["case"]):
                self.check(case)
                equal += 1
        print(f"golden DDL: {equal} of {len(cases)} cases equal")


if __name__ == "__main__":
    unittest.main()
