"""Controller of Error Log."""

from samplebench import Document


class ErrorLog(Document):
    """An error of a request or job; its table is MyISAM as in Frappe."""
