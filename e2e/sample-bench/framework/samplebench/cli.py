"""The `bench` command of the sample bench."""

import argparse
import json
import os
import sys

from .site import BENCH, SITES, local, read_json, site_context


def parser():
    """The commands and their options."""
    root = argparse.ArgumentParser(prog="bench", description="the sample bench (not Frappe's)")
    root.add_argument("--site", help="the site to work on; default: the bench's default_site")
    commands = root.add_subparsers(dest="command", required=True)
    serve = commands.add_parser("serve", help="run the web server")
    serve.add_argument("--port", type=int, default=8000)
    serve.add_argument("--workers", default=os.environ.get("BENCH_WEB_WORKERS", "2"))
    serve.add_argument("--threads", default=os.environ.get("BENCH_WEB_THREADS", "8"))
    socketio = commands.add_parser("socketio", help="run the WebSocket server")
    socketio.add_argument("--port", type=int, default=9000)
    worker = commands.add_parser("worker", help="run a worker")
    worker.add_argument("--queue", default="short,default,long")
    commands.add_parser("schedule", help="run the scheduler")
    migrate = commands.add_parser("migrate", help="bring the site to the code of this image")
    migrate.add_argument("--skip-search-index", action="store_true")
    migrate.add_argument("--skip-failing", action="store_true", help=argparse.SUPPRESS)
    new_site = commands.add_parser("new-site", help="make a site from its site_config.json")
    new_site.add_argument("name")
    new_site.add_argument("--db-root-username", default=os.environ.get("DB_ROOT_USER", "root"))
    new_site.add_argument("--db-root-password-file")
    mode = commands.add_parser("set-maintenance-mode", help="write maintenance_mode")
    mode.add_argument("state", choices=("on", "off"))
    commands.add_parser("clear-cache", help="forget the cached metadata and documents")
    seed = commands.add_parser("seed", help="fill a table with rows")
    seed.add_argument("--doctype", required=True)
    seed.add_argument("--rows", type=int, required=True)
    ready = commands.add_parser("ready-for-migration", help="exit 1 while jobs are pending")
    ready.set_defaults(command="ready-for-migration")
    commands.add_parser("version", help="print the apps and their versions")
    return root


def serve(options):
    """Replace this process by gunicorn; SIGTERM lets running requests end.

    Idle connections are kept for an hour, like Envoy's: the side that closes first while the
    other sends loses a request.
    """
    command = [sys.executable, "-m", "gunicorn", "--bind", f"0.0.0.0:{options.port}"]
    command += ["--worker-class", "gthread", "--workers", options.workers]
    command += ["--threads", options.threads, "--timeout", "120", "--graceful-timeout", "30"]
    command += ["--keep-alive", os.environ.get("BENCH_KEEP_ALIVE", "3600")]
    command += ["--worker-tmp-dir", "/dev/shm", "samplebench.app:application"]
    os.chdir(SITES)
    os.execv(sys.executable, command)


def set_maintenance_mode(state):
    """Write maintenance_mode into site_config.json (through a symlink, as Frappe does)."""
    path = SITES / local.site / "site_config.json"
    conf = read_json(path)
    conf["maintenance_mode"] = 1 if state == "on" else 0
    with path.open("w") as handle:
        json.dump(conf, handle, indent=1)


def pending_jobs():
    """How many jobs wait or run on this bench's queues."""
    from .background_jobs import QUEUES, queue_name, queue_redis

    redis = queue_redis(local.conf)
    return sum(
        redis.llen(f"rq:queue:{queue_name(q)}") + redis.zcard(f"rq:wip:{queue_name(q)}")
        for q in QUEUES
    )


def on_site(options):
    """The commands that work on one site; the exit code."""
    if options.command == "migrate":
        from .migrate import migrate

        migrate(options.skip_search_index)
    elif options.command == "set-maintenance-mode":
        set_maintenance_mode(options.state)
    elif options.command == "clear-cache":
        from .cache import clear_cache

        clear_cache(local.cache)
    elif options.command == "seed":
        from .seed import seed

        seed(options.doctype, options.rows)
    elif options.command == "ready-for-migration":
        count = pending_jobs()
        print(f"{count} jobs pending", flush=True)
        return 1 if count else 0
    return 0


def make_site(options):
    """new-site: the root password comes from a file or from DB_ROOT_PASSWORD."""
    from .new_site import new_site

    password = os.environ.get("DB_ROOT_PASSWORD", "")
    if options.db_root_password_file:
        with open(options.db_root_password_file) as handle:
            password = handle.read().strip()
    with site_context(options.name):
        new_site(options.db_root_username, password)
    return 0


def print_versions():
    """Apps and versions."""
    from .app_hooks import app_version
    from .site import installed_app_names

    for app in installed_app_names():
        print(f"{app} {app_version(app)}")
    print(f"image {(BENCH / 'VERSION').read_text().strip()}")
    return 0


def main(arguments=None):
    """Run a command; the exit code."""
    options = parser().parse_args(arguments)
    if options.command == "serve":
        return serve(options)
    if options.command == "socketio":
        from .socketio import serve as serve_sockets

        return serve_sockets(options.port)
    if options.command == "worker":
        from .worker import Worker

        return Worker(options.queue.split(",")).run()
    if options.command == "schedule":
        from .scheduler import run

        return run()
    if options.command == "version":
        return print_versions()
    if options.command == "new-site":
        return make_site(options)
    site = options.site or read_json(SITES / "common_site_config.json").get("default_site")
    if not site:
        print("failed to choose a site: pass --site", file=sys.stderr)
        return 2
    with site_context(site):
        return on_site(options)


if __name__ == "__main__":
    sys.exit(main())
