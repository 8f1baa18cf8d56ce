"""An application with dependencies for scopes, permissions and users: an API by bearer tokens, and a web page."""

import html
import os
from typing import Annotated

from fastapi import Depends, FastAPI, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.security import APIKeyCookie, HTTPBearer, OAuth2AuthorizationCodeBearer
from fastapi.security.base import SecurityBase

from gatelodge.fastapi import AccessInfo, Auth, Gatelodge, UserInfo

gatelodge = Gatelodge()
app = FastAPI(
    title="Dependencies for scopes, permissions and users",
    swagger_ui_init_oauth={"clientId": os.environ.get("SWAGGER_CLIENT_ID"), "usePkceWithAuthorizationCodeGrant": True},
)
gatelodge.install(app)


class MemoryUserInfoCache:
    """Where user info is kept between requests; yours may be Redis, and forget after an hour."""

    def __init__(self) -> None:
        self.kept: dict[str, UserInfo] = {}

    async def get(self, key: str) -> UserInfo | None:
        return self.kept.get(key)

    async def set(self, key: str, user: UserInfo) -> None:
        self.kept[key] = user


memory = MemoryUserInfoCache()


async def get_userinfo_cache() -> MemoryUserInfoCache:
    return memory


def bearer_scheme() -> SecurityBase:
    """What the button "Authorize" of /docs does: a field for a token, or a login at your provider's own endpoints."""
    authorize, token = os.environ.get("PROVIDER_AUTHORIZE_URL"), os.environ.get("PROVIDER_TOKEN_URL")
    if authorize and token:
        scopes = {"openid": "Who you are", "email": "Your address", "profile": "Your name"}
        return OAuth2AuthorizationCodeBearer(authorize, token, scopes=scopes, auto_error=False)
    return HTTPBearer(description="An access token of your identity provider.", auto_error=False)


# The API: 401 without a good token, 403 with one that lacks something.
api = Auth(gatelodge, bearer_scheme(), get_userinfo_cache=get_userinfo_cache)


@app.get("/authenticated")
async def authenticated(access: Annotated[AccessInfo, Depends(api.authenticated())]) -> AccessInfo:
    return access


@app.get("/authenticated-scope")
async def authenticated_scope(
    access: Annotated[AccessInfo, Depends(api.authenticated(scope=["openid", "reports.read"]))],
) -> AccessInfo:
    return access


@app.get("/authenticated-permissions")
async def authenticated_permissions(
    access: Annotated[AccessInfo, Depends(api.authenticated(permissions=["orders:write"]))],
) -> AccessInfo:
    return access


@app.get("/user")
async def user(user: Annotated[UserInfo, Depends(api.current_user())]) -> UserInfo:
    return user


@app.get("/user-refresh")
async def user_refresh(user: Annotated[UserInfo, Depends(api.current_user(refresh=True))]) -> UserInfo:
    return user


@app.get("/optional-user")
def optional_user(
    user: Annotated[UserInfo | None, Depends(api.current_user(optional=True))],
) -> UserInfo | dict[str, str]:
    if user is None:
        return {"message": "Anonymous user"}
    return user


STYLE = "body { font: 16px/1.5 system-ui, sans-serif; max-width: 34rem; margin: 4rem auto; padding: 0 1rem }"


def page(title: str, *links: tuple[str, str]) -> str:
    """A page that says one thing. What came from outside is text in it, and no markup."""
    named = " · ".join(f'<a href="{at}">{html.escape(name)}</a>' for at, name in links)
    return f"<!doctype html><style>{STYLE}</style><h1>{html.escape(title)}</h1><p>{named}</p>"


HOME = ("/", "Home")


class WebAuth(Auth):
    """Leads whoever is not signed in to the login, and back to the very page that they wanted."""

    async def get_unauthorized_response(self, request: Request, response: Response) -> Response:
        return self.login_redirect(request, response)

    async def get_forbidden_response(self, request: Request, response: Response) -> Response:
        if "text/html" not in request.headers.get("accept", ""):
            return response
        return HTMLResponse(page("This page is not for you", HOME), response.status_code)


# The web application, whose cookie gatelodge.yaml names.
web = WebAuth(gatelodge, APIKeyCookie(name="user_session", auto_error=False))
Me = Annotated[UserInfo, Depends(web.current_user())]


@app.get("/", response_class=HTMLResponse)
async def home(user: Annotated[UserInfo | None, Depends(web.current_user(optional=True))]) -> str:
    who = f"signed in as {user['email']}" if user else "not signed in"
    return page(
        f"You are {who}", ("/protected", "The protected page"), ("/admin", "That of admins"), ("/docs", "The API")
    )


@app.head("/protected", include_in_schema=False)
@app.get("/protected", response_class=HTMLResponse)
async def protected(user: Me) -> str:
    return page(f"You are authenticated. Your user email is {user['email']}", HOME)


@app.get("/admin", response_class=HTMLResponse)
async def admin(_: Annotated[UserInfo, Depends(web.current_user(permissions=["orders:write"]))]) -> str:
    return page("You may write orders", HOME)


@app.get("/profile")
async def profile(user: Annotated[UserInfo, Depends(web.current_user(refresh=True))]) -> UserInfo:
    """Asks the provider again who that is."""
    return user


@app.get("/auth-callback")
async def auth_callback(user: Me) -> RedirectResponse:
    """Where a login lands that names no page (gatelodge.yaml): a place to make a row of your own for a new user."""
    return RedirectResponse(f"/protected?welcome={user['user_id']}", 303)
