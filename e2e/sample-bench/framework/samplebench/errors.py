"""The exceptions of the framework, each with the HTTP status that a client sees."""


class ValidationError(Exception):
    """A document that may not be saved as it is."""

    http_status_code = 417


class MandatoryError(ValidationError):
    """A field with `reqd` has no value."""


class LinkValidationError(ValidationError):
    """A Link field names a document that is not there."""


class LinkExistsError(ValidationError):
    """A document may not be deleted because another one links to it."""


class TimestampMismatchError(ValidationError):
    """The document was changed by somebody else since it was loaded."""


class UniqueValidationError(ValidationError):
    """A value of a unique field is there already."""


class CharacterLengthExceededError(ValidationError):
    """A value is longer than its column."""


class DataError(ValidationError):
    """A list query asks for something that the metadata does not permit."""


class AuthenticationError(Exception):
    """Wrong password, key or secret."""

    http_status_code = 401


class PermissionError(Exception):  # noqa: A001 - the name is part of the HTTP interface
    """The user may not do that."""

    http_status_code = 403


class DoesNotExistError(ValidationError):
    """No such document or DocType."""

    http_status_code = 404


class PageDoesNotExistError(ValidationError):
    """No such page, and no such site."""

    http_status_code = 404


class DuplicateEntryError(Exception):
    """A document of that name is there already."""

    http_status_code = 409


class SessionStopped(Exception):
    """The site is in maintenance mode."""

    http_status_code = 503


class QueryDeadlockError(Exception):
    """MariaDB chose this transaction as the victim of a deadlock (1213)."""


class QueryTimeoutError(Exception):
    """A lock was not given in time (1205); also what NOWAIT answers."""
