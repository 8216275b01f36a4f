"""Controller of DocType."""

from samplebench import Document


class DocType(Document):
    """A DocType: the head row of its metadata."""
