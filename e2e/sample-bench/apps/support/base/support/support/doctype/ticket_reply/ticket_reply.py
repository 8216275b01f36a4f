"""Controller of Ticket Reply."""

from samplebench import Document


class TicketReply(Document):
    """A reply to a ticket."""
