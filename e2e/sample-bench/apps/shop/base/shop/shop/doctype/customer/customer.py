"""Controller of Customer."""

from samplebench import Document


class Customer(Document):
    """Who orders."""
