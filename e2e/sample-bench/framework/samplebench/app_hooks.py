"""What the apps of the bench say in their hooks.py."""

import importlib

from .site import installed_app_names

FREQUENCIES = {"all": "All", "hourly": "Hourly", "daily": "Daily", "weekly": "Weekly"}


def app_hooks(app):
    """The hooks module of an app."""
    return importlib.import_module(f"{app}.hooks")


def scheduler_events():
    """Method and frequency of every scheduled job of the installed apps."""
    for app in installed_app_names():
        events = getattr(app_hooks(app), "scheduler_events", {})
        for key, methods in events.items():
            for method in methods:
                yield method, FREQUENCIES[key]


def app_version(app):
    """The version of an app."""
    return getattr(importlib.import_module(app), "__version__", "0.0.0")
