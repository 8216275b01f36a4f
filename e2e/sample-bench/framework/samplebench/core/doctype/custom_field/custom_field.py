"""Controller of Custom Field."""

from samplebench import Document


class CustomField(Document):
    """A field that a site adds to a DocType."""
