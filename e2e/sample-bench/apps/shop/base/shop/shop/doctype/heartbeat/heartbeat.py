"""Controller of Heartbeat."""

from samplebench import Document


class Heartbeat(Document):
    """A run of the scheduled job `shop.tasks.beat`."""
