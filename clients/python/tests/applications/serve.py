"""Serves the small application as its users would: uvicorn for ASGI, gunicorn's forked worker for WSGI.

Reads GATELODGE_ADDRESS, GATELODGE_API_KEY, LISTEN, MOUNT_PREFIX, and FRAMEWORK: fastapi (the default), starlette,
flask, django (WSGI) or django-async. Keeps no answers, since the suite counts calls, unless GATELODGE_KEEP_ANSWERS says
so. Prints "ready" once it listens.
"""

from __future__ import annotations

import importlib
import logging
import os
import socket
import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

_ASGI = {
    "fastapi": ("fastapi_app", "app"),
    "starlette": ("starlette_app", "app"),
    "django-async": ("django_app", "asgi_app"),
}
_WSGI = {"flask": ("flask_app", "app"), "django": ("django_app", "wsgi_app")}
_STARTS = {"flask": ("flask_app", "start"), "django": ("django_app", "start")}


def main() -> None:
    """Serves until it is ended."""
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    os.environ.setdefault("GATELODGE_KEEP_ANSWERS", "0")
    framework = os.environ.get("FRAMEWORK", "fastapi")
    host, _, port = os.environ["LISTEN"].rpartition(":")
    listener = socket.create_server((host, int(port)), backlog=512)
    if framework in _ASGI:
        serve_asgi(_application(*_ASGI[framework]), listener)
    else:
        start = _application(*_STARTS[framework])
        serve_wsgi(_application(*_WSGI[framework]), listener, start)


def serve_asgi(application: Any, listener: socket.socket) -> None:
    """Serves with uvicorn. The peer is the TCP peer: forwarded headers are the authority's to read."""
    import uvicorn

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            _say_ready()

    config = uvicorn.Config(application, proxy_headers=False, server_header=False, log_level="warning", lifespan="auto")
    Server(config).run(sockets=[listener])


def serve_wsgi(application: Any, listener: socket.socket, start: Callable[[], None]) -> None:
    """Serves with gunicorn: a forked worker with threads. It takes no line for too long."""
    from gunicorn.app.base import BaseApplication

    def begin(_worker: object) -> None:
        # Where settings are missing, it is the worker that can't begin; gunicorn itself has been ready before.
        start()
        _say_ready()

    class Server(BaseApplication):  # type: ignore[misc]
        def load_config(self) -> None:
            listener.set_inheritable(True)
            for name, value in {
                "bind": f"fd://{os.dup(listener.fileno())}",
                "workers": 1,
                "threads": 16,
                "worker_class": "gthread",
                "preload_app": True,
                "post_worker_init": begin,
                "forwarded_allow_ips": "",
                "limit_request_line": 0,
                "limit_request_field_size": 65_536,
            }.items():
                self.cfg.set(name, value)

        def load(self) -> Any:
            return application

    Server().run()


def _say_ready() -> None:
    # In one write: `print` makes two where Python keeps no buffer, and gunicorn's parent may write between them.
    sys.stdout.write("ready\n")
    sys.stdout.flush()


def _application(module: str, name: str) -> Any:
    return getattr(importlib.import_module(f"tests.applications.{module}"), name)


if __name__ == "__main__":
    main()
