"""Controller of Property Setter."""

from samplebench import Document
from samplebench.cache import clear_doctype_cache
from samplebench.meta import forget
from samplebench.site import local
from samplebench.sync import updatedb


class PropertySetter(Document):
    """A property of a DocType or field that a site overrides."""

    def on_update(self):
        """Bring the table up to date, forget the cached metadata."""
        forget(self.doc_type)
        updatedb(self.doc_type)
        clear_doctype_cache(local.db, local.cache, self.doc_type)
