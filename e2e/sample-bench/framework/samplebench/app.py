"""The WSGI application: site, user, route, transaction."""

import json

from werkzeug.exceptions import NotFound
from werkzeug.utils import send_from_directory
from werkzeug.wrappers import Request, Response

from . import methods, rest
from .errors import PageDoesNotExistError, SessionStopped, ValidationError
from .responses import VERSION, error_response, json_response
from .sessions import by_token, login, logout, resume
from .site import SITES, local, site_context

UNSAFE = ("POST", "PUT", "DELETE", "PATCH")


def site_of(request):
    """The site by header, by host, or the bench's default."""
    header = request.headers.get("X-Frappe-Site-Name")
    return header or request.host.rsplit(":", 1)[0]


def read_form(request):
    """Query parameters with the body (JSON object or form) laid over them."""
    form = request.args.to_dict()
    if request.method in UNSAFE:
        if request.mimetype == "application/json":
            raw = request.get_data()
            try:
                values = json.loads(raw) if raw else {}
            except ValueError as error:
                raise ValidationError(f"failed to read the body: not JSON ({error})") from error
            if not isinstance(values, dict):
                raise ValidationError("failed to read the body: a JSON object is expected")
            form.update(values)
        else:
            form.update(request.form.to_dict())
    return form


def refuse_in_maintenance(request):
    """503 while maintenance_mode is set; reads pass when the site allows them."""
    conf = local.conf
    if conf.get("maintenance_mode"):
        if conf.get("allow_reads_during_maintenance") and request.method not in UNSAFE:
            return
        raise SessionStopped("Session Stopped")


def authenticate(request):
    """Set the user of this request."""
    header = request.headers.get("Authorization")
    user = by_token(header) if header else None
    local.sid = request.cookies.get("sid")
    local.user = user or resume(local.sid)


def login_response(request):
    """Start a session; cookies as Frappe sets them."""
    sid = login(local.form.get("usr"), local.form.get("pwd"), request.remote_addr or "")
    response = json_response(
        {"message": "Logged In", "home_page": "/app", "full_name": local.user}
    )
    for key, value in (
        ("sid", sid),
        ("system_user", "yes"),
        ("full_name", local.user),
        ("user_id", local.user),
    ):
        response.set_cookie(key, value, httponly=key == "sid", samesite="Lax", path="/")
    return response


def logout_response():
    """End the session."""
    logout(local.sid)
    local.db.commit()
    response = json_response({"message": "Logged Out"})
    response.delete_cookie("sid")
    return response


def home_page():
    """A page that names the bundle of the asset list; the list is cached without a prefix."""
    assets = local.cache.get("assets_json", shared=True)
    if assets is None:
        path = SITES / "assets" / "assets.json"
        assets = json.loads(path.read_text()) if path.exists() else {}
        local.cache.set("assets_json", assets, shared=True)
    scripts = "".join(f'<script src="{path}"></script>' for path in assets.values())
    page = f"<!doctype html><title>Sample bench</title>{scripts}<h1>Sample bench {VERSION}</h1>"
    return Response(page, content_type="text/html; charset=utf-8")


def route(request):
    """The answer for a path."""
    parts = request.path.strip("/").split("/", 3)
    if parts[:2] == ["api", "method"] and len(parts) == 3:
        if parts[2] == "login":
            return login_response(request)
        if parts[2] == "logout":
            return logout_response()
        return json_response({"message": methods.call(parts[2])})
    if parts[:2] == ["api", "resource"] and len(parts) in (3, 4):
        handler = rest.collection if len(parts) == 3 else rest.document
        data, status = handler(request.method, *parts[2:])
        return json_response({"data": data}, status)
    if request.path in ("/", "/app"):
        return home_page()
    raise PageDoesNotExistError(request.path)


def serve(request):
    """One request on one site: a transaction that is kept only when all went well."""
    try:
        with site_context(site_of(request), user="Guest"):
            try:
                refuse_in_maintenance(request)
                local.form = read_form(request)
                authenticate(request)
                response = route(request)
                if request.method in UNSAFE or request.path == "/api/method/login":
                    local.db.commit()
                return response
            except Exception as error:  # noqa: BLE001 - every error becomes an answer
                local.db.rollback()
                return error_response(error)
    except Exception as error:  # noqa: BLE001
        local.cache = None
        return error_response(error)


def assets(request):
    """A file of sites/assets."""
    try:
        path = request.path.removeprefix("/assets/")
        return send_from_directory(SITES / "assets", path, request.environ)
    except NotFound:
        return Response("Not Found", status=404, content_type="text/plain")


@Request.application
def application(request):
    """The WSGI entry."""
    response = assets(request) if request.path.startswith("/assets/") else serve(request)
    response.headers.setdefault("X-Bench-Version", VERSION)
    return response
