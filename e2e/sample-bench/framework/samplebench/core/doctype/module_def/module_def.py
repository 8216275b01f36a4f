"""Controller of Module Def."""

from samplebench import Document


class ModuleDef(Document):
    """A module of an app."""
