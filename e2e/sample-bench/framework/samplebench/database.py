"""The MariaDB of a site: one connection per request, opened at the first query."""

import warnings

import pymysql
from pymysql.constants import ER
from pymysql.cursors import DictCursor

from .errors import QueryDeadlockError, QueryTimeoutError

warnings.filterwarnings("ignore", category=pymysql.Warning)


def quote(identifier):
    """An identifier in backticks, safe whatever it holds."""
    return "`" + str(identifier).replace("`", "``") + "`"


def table(doctype):
    """The quoted table of a DocType."""
    return quote("tab" + doctype)


class Database:
    """A connection as the user `db_user`, by default `db_name`, to the schema `db_name`."""

    def __init__(self, conf):
        self.conf = conf
        self.connection = None

    def connect(self):
        """Open the connection. REPEATABLE READ and no autocommit: a request is a transaction."""
        conf = self.conf
        self.connection = pymysql.connect(
            host=conf.get("db_host") or "127.0.0.1",
            port=int(conf.get("db_port") or 3306),
            user=conf.get("db_user") or conf["db_name"],
            password=conf.get("db_password") or "",
            database=conf["db_name"],
            charset="utf8mb4",
            cursorclass=DictCursor,
            autocommit=False,
            connect_timeout=10,
        )

    def sql(self, query, values=None):
        """Run a statement; the rows as dicts. Lock errors become the framework's own."""
        if self.connection is None:
            self.connect()
        try:
            with self.connection.cursor() as cursor:
                cursor.execute(query, values)
                return cursor.fetchall()
        except pymysql.err.OperationalError as error:
            if error.args[0] == ER.LOCK_DEADLOCK:
                raise QueryDeadlockError(*error.args) from error
            if error.args[0] == ER.LOCK_WAIT_TIMEOUT:
                raise QueryTimeoutError(*error.args) from error
            raise

    def sql_ddl(self, query):
        """Run DDL. The open transaction is committed first: the one door for schema changes."""
        self.commit()
        return self.sql(query)

    def commit(self):
        """End the transaction."""
        if self.connection is not None:
            self.connection.commit()

    def rollback(self):
        """Undo the transaction."""
        if self.connection is not None:
            self.connection.rollback()

    def close(self):
        """Close the connection, undoing what is not committed."""
        if self.connection is not None:
            try:
                self.connection.close()
            except pymysql.err.Error:
                pass
            self.connection = None

    def value(self, query, values=None):
        """The first column of the first row, or None."""
        rows = self.sql(query, values)
        return next(iter(rows[0].values())) if rows else None

    def exists(self, doctype, name):
        """Whether a document is there."""
        found = self.value(f"SELECT `name` FROM {table(doctype)} WHERE `name` = %s", (name,))
        return found is not None

    def single_value(self, doctype, field):
        """A field of a Single as text, or None."""
        return self.value(
            "SELECT `value` FROM `tabSingles` WHERE `doctype` = %s AND `field` = %s",
            (doctype, field),
        )

    def table_names(self):
        """Every table that this user can see. No schema is named, as in Frappe."""
        rows = self.sql(
            "SELECT `table_name` AS t FROM `information_schema`.`tables` WHERE `table_schema`"
            " NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')"
        )
        return [row["t"] for row in rows]

    def table_exists(self, doctype):
        """Whether a DocType has its table."""
        return f"tab{doctype}" in self.table_names()

    def columns(self, table_name):
        """The columns of a table with type, default and indexes. No schema is named, as in Frappe."""
        indexes = self.sql(
            "SELECT `column_name` AS c, `non_unique` AS n FROM `information_schema`.`statistics`"
            " WHERE `table_name` = %s AND `seq_in_index` = 1",
            (table_name,),
        )
        plain = {row["c"] for row in indexes if row["n"]}
        unique = {row["c"] for row in indexes if not row["n"]}
        rows = self.sql(
            "SELECT `column_name` AS `name`, `column_type` AS `type`, `column_default` AS `default`"
            " FROM `information_schema`.`columns` WHERE `table_name` = %s",
            (table_name,),
        )
        for row in rows:
            row["index"] = row["name"] in plain
            row["unique"] = row["name"] in unique
        return {row["name"].lower(): row for row in rows}

    def rename_column(self, doctype, old, new):
        """Rename a column keeping its type alone: default and NOT NULL are lost, as in Frappe."""
        column = self.columns("tab" + doctype).get(old.lower())
        if column is None:
            raise ValueError(f"failed to rename a column: tab{doctype} has no {old}")
        self.sql_ddl(
            f"ALTER TABLE {table(doctype)} CHANGE COLUMN {quote(old)} {quote(new)} {column['type']}"
        )
