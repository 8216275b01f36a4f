"""Who is asking: a session (`sid` cookie) or a token (`Authorization: token key:secret`)."""

import base64
import hmac
import json
import secrets

from .cast import now
from .errors import AuthenticationError
from .passwords import password_matches, secret_digest, stored
from .site import local

DAYS = 7


def login(user, password, address):
    """Check the password and start a session; its sid."""
    found = stored(user, "password") if user and password else None
    enabled = local.db.value("SELECT `enabled` FROM `tabUser` WHERE `name` = %s", (user,))
    if not (found and enabled and password_matches(password, found)):
        raise AuthenticationError("Invalid login credentials")
    sid = secrets.token_hex(28)
    data = {"user": user, "session_ip": address, "last_updated": str(now())}
    local.db.sql(
        "INSERT INTO `tabSessions` (`user`, `sid`, `sessiondata`, `ipaddress`, `lastupdate`,"
        " `status`) VALUES (%s, %s, %s, %s, %s, 'Active')",
        (user, sid, json.dumps(data), address[:16], now()),
    )
    local.cache.hset("session", sid, {"user": user, "data": data})
    local.user, local.sid = user, sid
    return sid


def logout(sid):
    """End a session: its row and its copy in the cache of this site."""
    if sid:
        local.db.sql("DELETE FROM `tabSessions` WHERE `sid` = %s", (sid,))
        local.cache.hdel("session", sid)
    local.user, local.sid = "Guest", None


def resume(sid):
    """The user of a session, from the cache or the row; Guest when it is unknown or expired."""
    if not sid or sid == "Guest":
        return "Guest"
    session = local.cache.hget("session", sid)
    if session is None:
        rows = local.db.sql(
            "SELECT `user`, `sessiondata` FROM `tabSessions` WHERE `sid` = %s"
            " AND `lastupdate` > NOW() - INTERVAL %s DAY",
            (sid, DAYS),
        )
        if not rows:
            return "Guest"
        session = {"user": rows[0]["user"], "data": json.loads(rows[0]["sessiondata"] or "{}")}
        local.cache.hset("session", sid, session)
    return session["user"]


def by_token(header):
    """The user of an Authorization header (`token key:secret` or Basic); None for another kind."""
    kind, _, credentials = header.partition(" ")
    if kind.lower() == "basic":
        try:
            credentials = base64.b64decode(credentials).decode()
        except ValueError as error:
            raise AuthenticationError("Failed to decode token") from error
    elif kind.lower() != "token":
        return None
    key, _, secret = credentials.partition(":")
    user = local.db.value("SELECT `name` FROM `tabUser` WHERE `api_key` = %s AND `enabled` = 1", (key,))
    known = stored(user, "api_secret") if user else None
    if not (known and hmac.compare_digest(known, secret_digest(secret))):
        raise AuthenticationError("Invalid API key or secret")
    return user
