"""Who may do what: roles of a user (cached per site) against the DocPerm rows of a DocType."""

from .errors import PermissionError
from .meta import get_meta
from .site import local


def roles_of(user):
    """The roles of a user, from the Redis hash `roles` or the rows."""
    roles = local.cache.hget("roles", user)
    if roles is None:
        rows = local.db.sql(
            "SELECT `role` FROM `tabHas Role` WHERE `parent` = %s AND `parenttype` = 'User'", (user,)
        )
        roles = [row["role"] for row in rows] + ["All", "Guest"]
        local.cache.hset("roles", user, roles)
    return roles


def check(doctype, right):
    """Refuse (403) unless the user has a right (read, write, create, delete) on a DocType."""
    if local.user == "Administrator":
        return
    permissions = get_meta(doctype).permissions
    if local.user != "Guest":
        roles = set(roles_of(local.user))
        if any(p.get(right) and p["role"] in roles for p in permissions):
            return
    raise PermissionError(
        f"User <strong>{local.user}</strong> does not have doctype access via role permission "
        f"for document <strong>{doctype}</strong>"
    )
