"""Controller of Shop Tag."""

from samplebench import Document


class ShopTag(Document):
    """A tag; one version renames this DocType, one removes it."""
