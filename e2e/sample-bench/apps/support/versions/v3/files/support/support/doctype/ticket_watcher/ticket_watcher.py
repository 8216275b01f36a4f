"""Controller of Ticket Watcher."""

from samplebench import Document


class TicketWatcher(Document):
    """Who follows a ticket."""
