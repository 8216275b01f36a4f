"""Whitelisted functions of the framework itself."""

from .responses import VERSION
from .site import local
from .whitelist import whitelist


@whitelist(allow_guest=True)
def version():
    """Which image answers."""
    return VERSION


@whitelist()
def get_logged_user():
    """The user of this session."""
    return local.user


def build_index():
    """What migrate enqueues at its end; the sample bench has no search index to build."""


def write_deferred_inserts():
    """Hourly job: write the Error Log rows that wait in Redis."""
    from .error_log import flush_deferred_inserts

    flush_deferred_inserts()
