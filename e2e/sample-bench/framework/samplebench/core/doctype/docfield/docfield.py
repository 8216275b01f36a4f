"""Controller of DocField."""

from samplebench import Document


class DocField(Document):
    """A field of a DocType."""
