"""The framework of Crossfade's sample bench. It is not Frappe: see README.md of the sample bench."""

from .controllers import get_controller
from .delete_document import delete_document
from .document import Document, get_cached_doc, get_doc, new_doc, set_value
from .errors import ValidationError
from .list_query import get_list
from .meta import get_meta
from .background_jobs import enqueue
from .rename_doc import rename_doc
from .site import local
from .whitelist import whitelist

__version__ = "1.0.0"

__all__ = [
    "Document",
    "ValidationError",
    "delete_document",
    "enqueue",
    "get_cached_doc",
    "get_controller",
    "get_doc",
    "get_list",
    "get_meta",
    "local",
    "new_doc",
    "rename_doc",
    "set_value",
    "whitelist",
]


def __getattr__(name):
    """`samplebench.db`, `.conf` and `.cache` are those of the current request or job."""
    if name in ("db", "conf", "cache"):
        return getattr(local, name)
    raise AttributeError(name)
