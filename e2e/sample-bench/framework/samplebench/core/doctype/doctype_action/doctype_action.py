"""Controller of DocType Action."""

from samplebench import Document


class DocTypeAction(Document):
    """A button of a DocType."""
