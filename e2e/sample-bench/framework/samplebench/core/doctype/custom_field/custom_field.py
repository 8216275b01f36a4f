"""Controller of Custom Field."""

from samplebench import Document
from samplebench.cache import clear_doctype_cache
from samplebench.meta import forget
from samplebench.site import local
from samplebench.sync import updatedb


class CustomField(Document):
    """A field that a site adds to a DocType: a row, and a column by DDL that commits the row."""

    def before_insert(self):
        """The name says which field of which DocType it is."""
        self.name = self.get("name") or f"{self.dt}-{self.fieldname}"

    def on_update(self):
        """Add the column, forget the cached metadata."""
        forget(self.dt)
        updatedb(self.dt)
        clear_doctype_cache(local.db, local.cache, self.dt)
