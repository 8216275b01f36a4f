"""Controller of DefaultValue."""

from samplebench import Document


class DefaultValue(Document):
    """A default of a user or of the site."""
