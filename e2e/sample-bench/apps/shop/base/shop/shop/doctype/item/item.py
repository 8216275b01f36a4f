"""Controller of Item."""

from samplebench import Document


class Item(Document):
    """What is sold; `attributes` is a JSON field."""
