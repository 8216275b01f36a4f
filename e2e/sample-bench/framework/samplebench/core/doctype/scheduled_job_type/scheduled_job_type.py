"""Controller of Scheduled Job Type."""

from samplebench import Document


class ScheduledJobType(Document):
    """A job that the scheduler enqueues."""
