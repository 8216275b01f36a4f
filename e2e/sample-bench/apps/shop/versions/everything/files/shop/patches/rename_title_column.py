"""Sales Order.title becomes subject, by DDL."""

import samplebench


def execute():
    """Run the patch."""
    samplebench.db.rename_column("Sales Order", "title", "subject")
