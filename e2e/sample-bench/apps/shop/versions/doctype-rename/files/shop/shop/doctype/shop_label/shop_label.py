"""Controller of Shop Label."""

from samplebench import Document


class ShopLabel(Document):
    """A label, once called Shop Tag."""
