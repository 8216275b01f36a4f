"""Passwords and API secrets in the table __Auth."""

import base64
import hashlib
import hmac
import secrets

from .site import local

ROUNDS = 60_000


def hash_password(password, salt=None):
    """A salted PBKDF2 hash as text."""
    salt = salt or secrets.token_bytes(16)
    digest = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, ROUNDS)
    return f"pbkdf2${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def password_matches(password, stored):
    """Whether a password is the one that was hashed."""
    salt = base64.b64decode(stored.split("$")[1])
    return hmac.compare_digest(hash_password(password, salt), stored)


def secret_digest(secret):
    """What is stored of an API secret: keyed with the site's encryption_key, cheap to check."""
    key = str(local.conf.get("encryption_key") or "").encode()
    return hmac.new(key, secret.encode(), hashlib.sha256).hexdigest()


def store(user, fieldname, value, encrypted=0):
    """Set a row of __Auth."""
    local.db.sql(
        "INSERT INTO `__Auth` (`doctype`, `name`, `fieldname`, `password`, `encrypted`)"
        " VALUES ('User', %s, %s, %s, %s)"
        " ON DUPLICATE KEY UPDATE `password` = VALUES(`password`)",
        (user, fieldname, value, encrypted),
    )


def stored(user, fieldname):
    """A value of __Auth, or None."""
    return local.db.value(
        "SELECT `password` FROM `__Auth` WHERE `doctype` = 'User' AND `name` = %s"
        " AND `fieldname` = %s",
        (user, fieldname),
    )
