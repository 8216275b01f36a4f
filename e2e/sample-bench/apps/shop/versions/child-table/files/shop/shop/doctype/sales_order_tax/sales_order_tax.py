"""Controller of Sales Order Tax."""

from samplebench import Document


class SalesOrderTax(Document):
    """A tax of an order."""
