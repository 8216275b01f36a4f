"""Controller of Sales Order Discount."""

from samplebench import Document


class SalesOrderDiscount(Document):
    """A discount of an order."""
