"""The small application in FastAPI."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Annotated

from fastapi import Depends, FastAPI, WebSocket
from fastapi.responses import PlainTextResponse

from gatelodge.fastapi import Gatelodge, Session, Token
from tests.applications.mounted import route_sets
from tests.applications.strict import SESSION_NEEDS, STRICT, TOKEN_NEEDS

gatelodge = Gatelodge(mount_prefix=os.environ.get("MOUNT_PREFIX", ""), route_sets=route_sets())
app = FastAPI(redirect_slashes=False)
gatelodge.install(app)

Signed = Annotated[Session, Depends(gatelodge.session)]
Perhaps = Annotated[Session | None, Depends(gatelodge.optional_session)]
Admin = Annotated[Session, Depends(gatelodge.require(scopes=["admin"]))]
Fresh = Annotated[Session, Depends(gatelodge.require(max_login_age=timedelta(seconds=1)))]
Strict = Annotated[Session, Depends(gatelodge.require(**STRICT))]
Bearer = Annotated[Token, Depends(gatelodge.token)]
BearerScoped = Annotated[Token, Depends(gatelodge.require_token(scopes=["admin"]))]
BearerAdmin = Annotated[Token, Depends(gatelodge.require_token(scopes=["admin"], permissions=["write"]))]
BearerStrict = Annotated[Token, Depends(gatelodge.require_token(**STRICT))]


@app.get("/open")
async def open_() -> PlainTextResponse:
    return PlainTextResponse("open")


@app.get("/private")
@app.head("/private")
@app.post("/private")
async def private(session: Signed) -> dict[str, str]:
    return {"user_id": session.user_id}


@app.api_route("/both", methods=["GET", "OPTIONS"])
async def both(session: Signed, token: Bearer) -> dict[str, str]:
    return {"user_id": session.user_id}


@app.api_route("/twice", methods=["GET", "OPTIONS"])
async def twice(session: Signed, admin: Admin) -> dict[str, str]:
    return {"user_id": admin.user_id}


@app.api_route("/any", methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def any_(session: Signed) -> dict[str, str]:
    return {"user_id": session.user_id}


@app.get("/scoped")
async def scoped(session: Admin) -> dict[str, str]:
    return {"user_id": session.user_id}


@app.get("/fresh")
async def fresh(session: Fresh) -> dict[str, str]:
    return {"user_id": session.user_id}


for at, needs in SESSION_NEEDS.items():

    @app.get(at)
    async def needing(session: Annotated[Session, Depends(gatelodge.require(**needs))]) -> dict[str, str]:
        return {"user_id": session.user_id}


@app.get("/strict")
async def strict(session: Strict) -> dict[str, str]:
    return {"user_id": session.user_id}


@app.get("/optional")
async def optional(session: Perhaps) -> dict[str, str | None]:
    return {"user_id": session.user_id if session else None}


@app.api_route("/api", methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
async def api(token: Bearer) -> dict[str, str | None]:
    return {"user_id": token.user_id}


@app.get("/api/scoped")
async def api_scoped(token: BearerScoped) -> dict[str, str | None]:
    return {"user_id": token.user_id}


for at, token_needs in TOKEN_NEEDS.items():

    @app.get(at)
    async def api_needing(
        token: Annotated[Token, Depends(gatelodge.require_token(**token_needs))],
    ) -> dict[str, str | None]:
        return {"user_id": token.user_id}


@app.get("/api/admin")
async def api_admin(token: BearerAdmin) -> dict[str, str | None]:
    return {"user_id": token.user_id}


@app.get("/api/strict")
async def api_strict(token: BearerStrict) -> dict[str, str | None]:
    return {"user_id": token.user_id}


@app.websocket("/socket")
async def socket(websocket: WebSocket, session: Signed) -> None:
    await websocket.accept()
    await websocket.send_text(session.user_id)
    await websocket.close()
