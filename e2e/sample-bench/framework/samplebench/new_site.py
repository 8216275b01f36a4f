"""`bench new-site`: database, user, tables, apps, Administrator. Safe to run again."""

import os

import pymysql

from .cache import clear_cache
from .database import quote
from .document import new_doc
from .errors import ValidationError
from .metadata_rows import BOOTSTRAP, core_json, insert_rows
from .migrate import update_versions
from .naming import hash_name
from .passwords import hash_password, secret_digest, store
from .patches import mark_all_as_run
from .scheduled_jobs import sync_jobs
from .schema import create_statements
from .site import installed_app_names, local
from .controllers import modules_of
from .site_tables import STATEMENTS
from .sync import sync_app


def create_database(conf, root_user, root_password):
    """The schema and the user of a site; the user has rights on that schema alone."""
    name, user = conf["db_name"], conf.get("db_user") or conf["db_name"]
    connection = pymysql.connect(
        host=conf.get("db_host") or "127.0.0.1",
        port=int(conf.get("db_port") or 3306),
        user=root_user,
        password=root_password,
        charset="utf8mb4",
        autocommit=True,
    )
    with connection, connection.cursor() as cursor:
        cursor.execute(
            f"CREATE DATABASE IF NOT EXISTS {quote(name)} CHARACTER SET utf8mb4"
            " COLLATE utf8mb4_unicode_ci"
        )
        cursor.execute("CREATE USER IF NOT EXISTS %s@'%%' IDENTIFIED BY %s", (user, conf["db_password"]))
        cursor.execute("ALTER USER %s@'%%' IDENTIFIED BY %s", (user, conf["db_password"]))
        cursor.execute(f"GRANT ALL PRIVILEGES ON {quote(name)}.* TO %s@'%%'", (user,))


def bootstrap():
    """The tables that hold metadata, and their own metadata."""
    db = local.db
    for statement in STATEMENTS:
        db.sql_ddl(statement)
    for doctype in BOOTSTRAP:
        if not db.table_exists(doctype):
            source = core_json(doctype)
            length = 255 if doctype in ("DocType", "DocField", "DocPerm") else 140
            for statement in create_statements(source, source["fields"], length):
                db.sql_ddl(statement)
    for doctype in (*BOOTSTRAP, "Custom Field", "Property Setter"):
        if not db.exists("DocType", doctype):
            insert_rows(db, core_json(doctype))
        if not db.table_exists(doctype):
            source = core_json(doctype)
            for statement in create_statements(source, source["fields"]):
                db.sql_ddl(statement)
    db.commit()


def set_global(key, value):
    """A default of the site in tabDefaultValue."""
    db = local.db
    db.sql("DELETE FROM `tabDefaultValue` WHERE `parent` = '__global' AND `defkey` = %s", (key,))
    db.sql(
        "INSERT INTO `tabDefaultValue` (`name`, `creation`, `modified`, `owner`, `modified_by`,"
        " `parent`, `parenttype`, `parentfield`, `defkey`, `defvalue`) VALUES (%s, NOW(6), NOW(6),"
        " 'Administrator', 'Administrator', '__global', '__default', 'system_defaults', %s, %s)",
        (hash_name(), key, value),
    )


def _insert_once(doctype, name, **values):
    if not local.db.exists(doctype, name):
        new_doc(doctype, **values).insert()


def create_users():
    """Roles, Guest, Administrator with a password, and the API key of the load if one is given."""
    password = os.environ.get("ADMIN_PASSWORD")
    if not password:
        raise ValidationError("failed to make the site: set ADMIN_PASSWORD in the environment")
    for role in ("Administrator", "System Manager", "All", "Guest"):
        _insert_once("Role", role, role_name=role)
    roles = [{"role": "System Manager"}, {"role": "Administrator"}]
    for user, kind, given in (("Guest", "Website User", []), ("Administrator", "System User", roles)):
        _insert_once(
            "User", user, email=user, first_name=user, full_name=user, user_type=kind, enabled=1, roles=given
        )
    store("Administrator", "password", hash_password(password))
    key, secret = os.environ.get("API_KEY"), os.environ.get("API_SECRET")
    if key and secret:
        local.db.sql("UPDATE `tabUser` SET `api_key` = %s WHERE `name` = 'Administrator'", (key,))
        store("Administrator", "api_secret", secret_digest(secret), encrypted=1)


def install_apps():
    """The DocTypes, modules and jobs of every app of apps.txt; their patches count as run."""
    import json

    for app in installed_app_names():
        print(f"Installing {app}...", flush=True)
        sync_app(app)
        local.meta.clear()
        for module in modules_of(app):
            _insert_once("Module Def", module, module_name=module, app_name=app)
        mark_all_as_run(app)
        local.db.commit()
    set_global("installed_apps", json.dumps(installed_app_names()))
    sync_jobs()
    update_versions()


def new_site(root_user, root_password):
    """Make the current site as its site_config.json says."""
    create_database(local.conf, root_user, root_password)
    clear_cache(local.cache)
    bootstrap()
    install_apps()
    create_users()
    local.db.commit()
    clear_cache(local.cache)
    print(f"*** {local.site} is ready ***", flush=True)
