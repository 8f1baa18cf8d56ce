"""A backend whose users log in with GitHub: the front end forwards the code, users stand in a database of its own."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastapi import FastAPI
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import FileResponse
from users import Directory, User

from gatelodge import SPA, AsyncClient, ClientOptions, Login, SignedIn, Token, v1
from gatelodge.fastapi import Gatelodge

PAGE = Path(__file__).parent / "page"


class OwnUsers:
    """Makes a row at the first login, and finds it again by the number in the token."""

    def __init__(self, directory: Directory) -> None:
        self._directory = directory
        # Tokens with claims of one's own are a backend's to ask for: an edge's key does not do.
        as_backend = {**os.environ, "GATELODGE_API_KEY": os.environ["BACKEND_KEY"]}
        self._backend = AsyncClient(ClientOptions.from_env(as_backend))

    async def signed_in(self, login: Login) -> SignedIn:
        user = await run_in_threadpool(self._directory.keep, login)
        return SignedIn(user.told(), token=await self._token(login, user))

    async def find(self, token: Token) -> Mapping[str, Any] | None:
        number = token.claims.get("user")
        user = await run_in_threadpool(self._directory.find, int(number)) if number is not None else None
        # A database may give the number of a row that is gone to somebody else.
        return user.told() if user and user.github_id == token.identity.sub else None

    async def _token(self, login: Login, user: User) -> str:
        """The token for the front end, with the row's number in it."""
        question = v1.MintTokenRequest(token=login.token.encode())
        question.application_claims["user"] = user.id
        answer = await self._backend.tokens.mint_token(question)
        return answer.minted.value


directory = Directory(os.environ.get("DATABASE_URL", "sqlite:///users.db"))
gatelodge = Gatelodge(route_sets=[SPA], users=OwnUsers(directory))
app = FastAPI(title="Login with GitHub")

# GET /login, POST /authorize and GET /me.
gatelodge.install(app)


@app.get("/", include_in_schema=False)
@app.get("/auth/github", include_in_schema=False)
async def page() -> FileResponse:
    """The front end: where it begins, and where GitHub sends the browser back to."""
    return FileResponse(PAGE / "index.html")


@app.get("/page.js", include_in_schema=False)
async def script() -> FileResponse:
    return FileResponse(PAGE / "page.js")
