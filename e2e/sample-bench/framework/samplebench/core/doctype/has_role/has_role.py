"""Controller of Has Role."""

from samplebench import Document


class HasRole(Document):
    """A role of a user."""
