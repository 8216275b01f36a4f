"""Controller of DocPerm."""

from samplebench import Document


class DocPerm(Document):
    """A right of a role on a DocType."""
