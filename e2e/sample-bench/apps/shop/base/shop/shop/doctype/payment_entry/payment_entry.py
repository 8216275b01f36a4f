"""Controller of Payment Entry."""

from samplebench import Document


class PaymentEntry(Document):
    """A payment, named by a series."""
