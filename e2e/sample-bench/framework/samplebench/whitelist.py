"""Which functions of the apps can be called over HTTP."""

import importlib

from .errors import PermissionError, ValidationError
from .site import installed_app_names

ALLOWED, ALLOWED_GUEST = set(), set()


def whitelist(allow_guest=False):
    """Let a function be called as /api/method/<dotted path>."""

    def mark(function):
        path = f"{function.__module__}.{function.__name__}"
        ALLOWED.add(path)
        if allow_guest:
            ALLOWED_GUEST.add(path)
        return function

    return mark


def attribute(path):
    """The object of a dotted path in one of the apps of this bench."""
    module, _, name = path.rpartition(".")
    if path.split(".", 1)[0] not in installed_app_names() or not name:
        raise ValidationError(f"App {path.split('.', 1)[0]} is not installed")
    return getattr(importlib.import_module(module), name)


def callable_method(path, user):
    """The whitelisted function of a path; refused when it is not, or not for guests."""
    try:
        function = attribute(path)
    except (ImportError, AttributeError) as error:
        raise ValidationError(f"Failed to get method for command {path} with {error}") from error
    key = f"{function.__module__}.{function.__name__}"
    if key not in ALLOWED or (user == "Guest" and key not in ALLOWED_GUEST):
        raise PermissionError(f"Function {path} is not whitelisted.")
    return function
