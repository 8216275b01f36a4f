"""Controller of Service Level."""

from samplebench import Document


class ServiceLevel(Document):
    """How fast a ticket is answered."""
