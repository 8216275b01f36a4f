"""Controller of Job Note."""

from samplebench import Document


class JobNote(Document):
    """A run of the background job `shop.tasks.write_note`."""
