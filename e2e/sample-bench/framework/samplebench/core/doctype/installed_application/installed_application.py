"""Controller of Installed Application."""

from samplebench import Document


class InstalledApplication(Document):
    """One app of this site with its version."""
