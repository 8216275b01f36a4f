"""/api/method: whitelisted functions, called with those form values that they name."""

import inspect

from .site import local
from .whitelist import callable_method

ALIASES = {
    "frappe.auth.get_logged_user": "samplebench.desk_methods.get_logged_user",
    "version": "samplebench.desk_methods.version",
}


def call(path):
    """Call a function by its dotted path."""
    if path in ("ping", "frappe.ping"):
        return "pong"
    function = callable_method(ALIASES.get(path, path), local.user)
    names = inspect.signature(function).parameters
    takes_all = any(p.kind is p.VAR_KEYWORD for p in names.values())
    values = {k: v for k, v in local.form.items() if takes_all or k in names}
    return function(**values)
