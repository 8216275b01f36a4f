"""Controller of Property Setter."""

from samplebench import Document


class PropertySetter(Document):
    """A property of a DocType or field that a site overrides."""
