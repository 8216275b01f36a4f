"""Controller of Installed Applications."""

from samplebench import Document


class InstalledApplications(Document):
    """The apps of this site."""
