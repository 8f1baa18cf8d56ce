"""The small application in Starlette."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from gatelodge.starlette import Gatelodge
from tests.applications.mounted import route_sets
from tests.applications.strict import SESSION_NEEDS, STRICT, TOKEN_NEEDS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request

    from gatelodge import Session, Token

gatelodge = Gatelodge(mount_prefix=os.environ.get("MOUNT_PREFIX", ""), route_sets=route_sets())
admin = gatelodge.require(scopes=["admin"])
fresh_login = gatelodge.require(max_login_age=timedelta(seconds=1))
bearer_scoped = gatelodge.require_token(scopes=["admin"])
bearer_admin = gatelodge.require_token(scopes=["admin"], permissions=["write"])
strict_session = gatelodge.require(**STRICT)
strict_bearer = gatelodge.require_token(**STRICT)


async def open_(_: Request) -> Response:
    return PlainTextResponse("open")


async def private(request: Request) -> Response:
    return JSONResponse({"user_id": (await gatelodge.session(request)).user_id})


async def scoped(request: Request) -> Response:
    return JSONResponse({"user_id": (await admin(request)).user_id})


async def both(request: Request) -> Response:
    session = await gatelodge.session(request)
    await gatelodge.token(request)
    return JSONResponse({"user_id": session.user_id})


async def twice(request: Request) -> Response:
    await gatelodge.session(request)
    return JSONResponse({"user_id": (await admin(request)).user_id})


def needing(require: Callable[[Request], Awaitable[Session | Token]]) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        return JSONResponse({"user_id": (await require(request)).user_id})

    return endpoint


async def fresh(request: Request) -> Response:
    return JSONResponse({"user_id": (await fresh_login(request)).user_id})


async def strict(request: Request) -> Response:
    return JSONResponse({"user_id": (await strict_session(request)).user_id})


async def optional(request: Request) -> Response:
    session = await gatelodge.optional_session(request)
    return JSONResponse({"user_id": session.user_id if session else None})


async def api(request: Request) -> Response:
    return JSONResponse({"user_id": (await gatelodge.token(request)).user_id})


async def api_scoped(request: Request) -> Response:
    return JSONResponse({"user_id": (await bearer_scoped(request)).user_id})


async def api_admin(request: Request) -> Response:
    return JSONResponse({"user_id": (await bearer_admin(request)).user_id})


async def api_strict(request: Request) -> Response:
    return JSONResponse({"user_id": (await strict_bearer(request)).user_id})


app = Starlette(
    routes=[
        Route("/open", open_),
        Route("/private", private, methods=["GET", "POST"]),
        Route("/any", private, methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]),
        Route("/scoped", scoped),
        Route("/both", both, methods=["GET", "OPTIONS"]),
        Route("/twice", twice, methods=["GET", "OPTIONS"]),
        Route("/fresh", fresh),
        Route("/strict", strict),
        Route("/optional", optional),
        Route("/api", api, methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]),
        Route("/api/scoped", api_scoped),
        Route("/api/admin", api_admin),
        Route("/api/strict", api_strict),
        *(Route(at, needing(gatelodge.require(**needs))) for at, needs in SESSION_NEEDS.items()),
        *(Route(at, needing(gatelodge.require_token(**needs))) for at, needs in TOKEN_NEEDS.items()),
    ]
)
app.router.redirect_slashes = False
gatelodge.install(app)
