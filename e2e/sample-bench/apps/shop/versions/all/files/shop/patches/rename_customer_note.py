"""Sales Order.customer_note becomes order_note."""

from samplebench.rename_field import rename_field


def execute():
    """Run the patch."""
    rename_field("Sales Order", "customer_note", "order_note")
