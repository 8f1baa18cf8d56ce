"""Owns sessions and login routes for FastAPI: as :mod:`gatelodge.starlette`, whose methods are dependencies here.

::

    gatelodge = Gatelodge()
    app = FastAPI()
    gatelodge.install(app)


    @app.get("/")
    async def home(session: Annotated[Session, Depends(gatelodge.session)]) -> str:
        return f"Hello, {session.user_id}"
"""

from __future__ import annotations

from fastapi import APIRouter

from gatelodge import starlette
from gatelodge.fastapi.auth import Auth
from gatelodge.fastapi.info import AccessInfo, UserInfo, UserInfoCache
from gatelodge.session import Session
from gatelodge.token import Token

__all__ = ["AccessInfo", "Auth", "Gatelodge", "Session", "Token", "UserInfo", "UserInfoCache"]


class Gatelodge(starlette.Gatelodge):
    """Sessions and login routes of a FastAPI application.

    :meth:`session`, :meth:`optional_session`, :meth:`token` and what :meth:`require` and :meth:`require_token` return
    are dependencies; each asks the authority once per request. See :class:`gatelodge.starlette.Gatelodge` for the
    arguments.
    """

    def router(self) -> APIRouter:
        """The login routes alone, for an application without sessions: ``app.include_router(gatelodge.router())``."""
        return APIRouter(routes=self.routes(), include_in_schema=False)
