"""Controller of Patch Log."""

from samplebench import Document


class PatchLog(Document):
    """A patch that was run on this site."""
