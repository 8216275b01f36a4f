"""Controller of Sales Partner."""

from samplebench import Document


class SalesPartner(Document):
    """Who brings orders."""
