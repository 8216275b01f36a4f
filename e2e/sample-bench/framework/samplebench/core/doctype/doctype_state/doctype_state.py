"""Controller of DocType State."""

from samplebench import Document


class DocTypeState(Document):
    """A coloured state of a DocType."""
