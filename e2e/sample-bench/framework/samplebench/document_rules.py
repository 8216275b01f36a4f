"""What a document must satisfy before it is written: defaults, mandatory fields, links, lengths."""

from .cast import now
from .column_types import column_type
from .database import table
from .errors import CharacterLengthExceededError, LinkValidationError, MandatoryError
from .meta import get_meta
from .site import local


def default_value(field):
    """The value that an empty field of a new document gets."""
    default = field.get("default")
    if default in ("Today", "__today"):
        return now().date()
    if default in ("now", "Now"):
        return now()
    if default == "__user":
        return local.user
    if default is not None and str(default).startswith(":"):
        return None
    return default


def set_defaults(doc):
    """Fill the empty fields of a new document; every known field is an attribute afterwards."""
    for field in doc.meta.data_fields:
        doc.__dict__.setdefault(field["fieldname"], None)
        if doc.__dict__.get(field["fieldname"]) in (None, "") and field.get("default") is not None:
            doc.__dict__[field["fieldname"]] = default_value(field)


def validate_mandatory(doc):
    """MandatoryError when a field with `reqd` is empty."""
    missing = []
    for field in doc.meta.fields:
        if field.get("reqd") and doc.__dict__.get(field["fieldname"]) in (None, "", []):
            missing.append(field["fieldname"])
    if missing:
        raise MandatoryError(f"[{doc.doctype}, {doc.get('name')}]: {', '.join(missing)}")


def validate_links(doc):
    """LinkValidationError when a Link names what is not there."""
    for field in doc.meta.link_fields:
        value = doc.__dict__.get(field["fieldname"])
        if not value or not field.get("options"):
            continue
        target = get_meta(field["options"])
        if not target.issingle and not local.db.value(
            f"SELECT `name` FROM {table(target.name)} WHERE `name` = %s", (value,)
        ):
            label = field.get("label") or field["fieldname"]
            raise LinkValidationError(f"Could not find {label}: {value}")


def validate_lengths(doc):
    """CharacterLengthExceededError when a text is longer than its column."""
    for field in doc.meta.data_fields:
        kind = column_type(field)
        value = doc.__dict__.get(field["fieldname"])
        if kind.startswith("varchar") and isinstance(value, str) and len(value) > int(kind[8:-1]):
            raise CharacterLengthExceededError(
                f"{doc.doctype} {doc.get('name')}: '{field['fieldname']}' ({value[:20]}...) will get "
                f"truncated, as max characters allowed is {kind[8:-1]}"
            )
