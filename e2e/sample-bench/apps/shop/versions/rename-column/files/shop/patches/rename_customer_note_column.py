"""Sales Order.customer_note becomes order_note, by DDL."""

import samplebench


def execute():
    """Run the patch."""
    samplebench.db.rename_column("Sales Order", "customer_note", "order_note")
