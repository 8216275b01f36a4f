"""Controller of Stock Movement."""

from samplebench import Document


class StockMovement(Document):
    """A movement; its name is an autoincrement from a SEQUENCE."""
