"""Controller of Ticket."""

from samplebench import Document


class Ticket(Document):
    """A question of a customer, named by a series."""
