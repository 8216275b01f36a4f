"""Controller of DocType Link."""

from samplebench import Document


class DocTypeLink(Document):
    """A connection shown on a DocType."""
