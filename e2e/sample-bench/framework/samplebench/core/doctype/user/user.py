"""Controller of User."""

from samplebench import Document


class User(Document):
    """A user, by e-mail address."""
