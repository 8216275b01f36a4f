"""What no other version can live beside: DDL of an app's own on a table that is in use."""

import samplebench


def execute():
    """Run the patch."""
    samplebench.db.sql_ddl("ALTER TABLE `tabShop Tag` CHANGE `colour` `colour` text, DROP INDEX IF EXISTS `colour`")
