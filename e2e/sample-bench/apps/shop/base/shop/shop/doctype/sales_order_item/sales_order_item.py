"""Controller of Sales Order Item."""

from samplebench import Document


class SalesOrderItem(Document):
    """A line of an order."""
