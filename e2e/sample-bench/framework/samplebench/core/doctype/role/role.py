"""Controller of Role."""

from samplebench import Document


class Role(Document):
    """A role."""
