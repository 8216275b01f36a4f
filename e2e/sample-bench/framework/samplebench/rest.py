"""/api/resource: lists and documents."""

import json

from .delete_document import delete_document
from .document import get_doc
from .errors import DataError, PageDoesNotExistError
from .list_query import get_list
from .meta import get_meta
from .permissions import check
from .site import local

NOT_TO_SET = ("doctype", "name", "flags", "creation", "owner", "modified", "modified_by")


def _json(text, name):
    try:
        return json.loads(text)
    except (TypeError, ValueError) as error:
        raise DataError(f"failed to read {name}: not JSON ({error})") from error


def _list(doctype):
    check(doctype, "read")
    form = local.form
    return get_list(
        doctype,
        fields=_json(form["fields"], "fields") if form.get("fields") else None,
        filters=_json(form["filters"], "filters") if form.get("filters") else None,
        order_by=form.get("order_by"),
        start=form.get("limit_start") or 0,
        page_length=form.get("limit_page_length") or form.get("limit") or 20,
    )


def body_values():
    """What the client sent: a JSON object, or a form (with the object in `data`)."""
    if isinstance(local.form.get("data"), str):
        return _json(local.form["data"], "data")
    return dict(local.form)


def collection(method, doctype):
    """GET list, POST document."""
    get_meta(doctype)
    if method == "GET":
        return _list(doctype), 200
    if method == "POST":
        check(doctype, "create")
        values = {k: v for k, v in body_values().items() if k not in ("flags", "doctype")}
        doc = get_doc({**values, "doctype": doctype}).insert()
        return doc.as_dict(), 200
    raise PageDoesNotExistError(f"{method} {doctype}")


def document(method, doctype, name):
    """GET, PUT, DELETE of one document."""
    meta = get_meta(doctype)
    if method == "GET":
        check(doctype, "read")
        return get_doc(doctype, name).as_dict(), 200
    if method == "PUT":
        check(doctype, "write")
        doc = get_doc(doctype, name, for_update=not meta.issingle)
        doc.update({k: v for k, v in body_values().items() if k not in NOT_TO_SET})
        return doc.save().as_dict(), 200
    if method == "DELETE":
        check(doctype, "delete")
        delete_document(doctype, name)
        return "ok", 202
    raise PageDoesNotExistError(f"{method} {doctype} {name}")


