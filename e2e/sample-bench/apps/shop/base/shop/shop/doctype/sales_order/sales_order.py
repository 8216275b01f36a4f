"""Controller of Sales Order."""

from samplebench import Document, get_cached_doc


class SalesOrder(Document):
    """An order: the DocType that most releases change."""

    def validate(self):
        """An order without a priority takes that of the settings (a cached document)."""
        if not self.priority:
            self.priority = get_cached_doc("Shop Settings").get("default_priority") or "Low"
