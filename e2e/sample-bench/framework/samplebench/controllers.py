"""The Python class of a DocType, imported from the apps of this image.

The metadata comes from the database, the class from the image: an image that lacks the module
of a DocType which the database knows cannot work with it (ImportError).
"""

import importlib

from .meta import get_meta
from .site import installed_app_names, local

_classes = {}


def scrub(text):
    """The name of a module, file or folder for a name with blanks and dashes."""
    return text.replace(" ", "_").replace("-", "_").lower()


def modules_of(app):
    """The modules of an app, from its modules.txt."""
    package = importlib.import_module(app)
    path = package.__path__[0] + "/modules.txt"
    with open(path) as lines:
        return [line.strip() for line in lines if line.strip()]


def module_app(module):
    """The app that has a module, or None."""
    for app in installed_app_names():
        if module in modules_of(app):
            return app
    return None


def import_controller(doctype, module):
    """The class of a DocType of a module. ImportError when this image has none."""
    app = module_app(module)
    path = f"{app or scrub(module or 'none')}.{scrub(module or 'none')}.doctype"
    path = f"{path}.{scrub(doctype)}.{scrub(doctype)}"
    try:
        found = importlib.import_module(path)
        return getattr(found, doctype.replace(" ", "").replace("-", ""))
    except (ImportError, AttributeError) as error:
        raise ImportError(
            f"Module import failed for {doctype}, the DocType you're trying to open might be "
            f"deleted.<br> Error: {error}"
        ) from error


def get_controller(doctype):
    """The class of a DocType; kept for the life of the process, failures are not."""
    key = (local.site, doctype)
    if key not in _classes:
        meta = get_meta(doctype)
        if meta.custom:
            from .document import Document

            _classes[key] = Document
        else:
            _classes[key] = import_controller(doctype, meta.module)
    return _classes[key]
