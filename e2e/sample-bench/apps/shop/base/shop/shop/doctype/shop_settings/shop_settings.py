"""Controller of Shop Settings."""

from samplebench import Document


class ShopSettings(Document):
    """The settings of the shop: a Single."""
