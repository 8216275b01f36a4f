"""Controller of Ticket Topic."""

from samplebench import Document


class TicketTopic(Document):
    """What tickets are about."""
