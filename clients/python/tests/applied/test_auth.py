"""The dependencies of :mod:`gatelodge.fastapi` that say who may call a route and who that is."""

from collections.abc import Callable, Iterator
from typing import Annotated, Any

import pytest
from fastapi import Depends, FastAPI, HTTPException, Request, Response, WebSocket, WebSocketDisconnect
from fastapi.responses import HTMLResponse, PlainTextResponse, StreamingResponse
from fastapi.security import APIKeyCookie, APIKeyHeader, HTTPBearer, OAuth2AuthorizationCodeBearer
from fastapi.testclient import TestClient

from gatelodge import errors, v1
from gatelodge.fastapi import AccessInfo, Auth, Gatelodge, UserInfo
from gatelodge.testing.authority import _ANSWERS, FakeAuthority

VALIDATE_SESSION = "/gatelodge.v1.SessionService/ValidateSession"
GET_USER_INFO = "/gatelodge.v1.SessionService/GetUserInfo"
VALIDATE_TOKEN = "/gatelodge.v1.TokenService/ValidateToken"
NAVIGATING = {"accept": "text/html", "sec-fetch-mode": "navigate"}


class MemoryCache:
    """A cache as an application would write it."""

    def __init__(self) -> None:
        self.kept: dict[str, UserInfo] = {}

    async def get(self, key: str) -> UserInfo | None:
        return self.kept.get(key)

    async def set(self, key: str, user: UserInfo) -> None:
        self.kept[key] = user


class PlainCache(MemoryCache):
    """The same without coroutines."""

    def get(self, key: str) -> UserInfo | None:  # type: ignore[override]
        return self.kept.get(key)

    def set(self, key: str, user: UserInfo) -> None:  # type: ignore[override]
        self.kept[key] = user


gatelodge = Gatelodge()


class WebAuth(Auth):
    """A web application's."""

    async def get_unauthorized_response(self, request: Request, response: Response) -> Response:
        return self.login_redirect(request, response, provider="fake")

    def get_forbidden_response(self, request: Request, response: Response) -> Response:  # type: ignore[override]
        return HTMLResponse("<h1>Not yours</h1>", response.status_code)


class RaisingAuth(Auth):
    """As applications have it that answer by raising."""

    async def get_unauthorized_response(self, request: Request, response: Response) -> Response:
        raise HTTPException(418, "who are you?")


def application(auth: Auth) -> TestClient:
    """An application with every dependency."""
    app = FastAPI()
    gatelodge.install(app)
    add_routes_of_access(app, auth)
    add_routes_of_users(app, auth)
    return TestClient(app, follow_redirects=False)


def add_routes_of_access(app: FastAPI, auth: Auth) -> None:

    @app.get("/in")
    @app.post("/in")
    async def in_(access: Annotated[AccessInfo, Depends(auth.authenticated())]) -> AccessInfo:
        return access

    @app.options("/options")
    async def options(_: Annotated[AccessInfo, Depends(auth.authenticated())]) -> None:
        raise AssertionError

    @app.get("/perhaps")
    def perhaps(access: Annotated[AccessInfo | None, Depends(auth.authenticated(optional=True))]) -> Any:
        return access or {"message": "Anonymous user"}

    @app.get("/scoped")
    async def scoped(access: Annotated[AccessInfo, Depends(auth.authenticated(scope=["reports", "read"]))]) -> Any:
        return access["scope"]

    @app.get("/scoped-perhaps")
    async def scoped_perhaps(
        access: Annotated[Any, Depends(auth.authenticated(optional=True, scope=["reports"]))],
    ) -> Any:
        return access

    @app.get("/permitted")
    async def permitted(
        access: Annotated[AccessInfo, Depends(auth.authenticated(permissions=["castles:read"]))],
    ) -> Any:
        return access["permissions"]

    @app.get("/strong")
    async def strong(access: Annotated[AccessInfo, Depends(auth.authenticated(acr=["2"]))]) -> Any:
        return access["acr"]


def add_routes_of_users(app: FastAPI, auth: Auth) -> None:
    @app.get("/user")
    def user(user: Annotated[UserInfo, Depends(auth.current_user())]) -> UserInfo:
        return user

    @app.get("/user/perhaps")
    async def user_perhaps(user: Annotated[UserInfo | None, Depends(auth.current_user(optional=True))]) -> Any:
        return user and user["user_id"]

    @app.get("/user/anew")
    async def user_anew(user: Annotated[UserInfo, Depends(auth.current_user(refresh=True))]) -> UserInfo:
        return user

    @app.get("/user/scoped")
    async def user_scoped(
        user: Annotated[UserInfo, Depends(auth.current_user(scope=["reports"], permissions=["castles:read"]))],
    ) -> Any:
        return user["user_id"]

    @app.websocket("/socket")
    async def socket(websocket: WebSocket, user: Annotated[UserInfo, Depends(auth.current_user())]) -> None:
        await websocket.accept()
        await websocket.send_text(user["user_id"])
        await websocket.close()


class Person:
    """Somebody at an application, with a session or with a token."""

    def __init__(self, kind: str, authority: FakeAuthority, auth: Auth | None = None) -> None:
        self.kind, self.authority = kind, authority
        self.client = application(auth or Auth(gatelodge, SCHEMES[kind]))
        self.headers: dict[str, str] = {}

    def come(self, user_id: str = "fake_1", **fields: Any) -> None:
        if self.kind == "cookie":
            self.headers = {"cookie": f"session={self.authority.sign_in(user_id=user_id, **fields).credential}"}
        else:
            self.headers = {"authorization": f"Bearer {self.authority.issue_token(user_id, **fields)}"}

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(path, headers={**self.headers, **headers})


SCHEMES = {"cookie": APIKeyCookie(name="session"), "bearer": HTTPBearer()}


@pytest.fixture(autouse=True)
def _behind(fake_authority: FakeAuthority) -> Iterator[None]:
    with fake_authority.behind(gatelodge):
        yield


@pytest.fixture(params=SCHEMES)
def person(request: pytest.FixtureRequest, fake_authority: FakeAuthority) -> Person:
    return Person(request.param, fake_authority)


def always(answer: Any) -> Callable[..., Any]:
    """A method of the authority that answers so, or fails with this error."""

    def said(*_: object) -> Any:
        if isinstance(answer, Exception):
            raise answer
        return answer

    return said


def asked(authority: FakeAuthority, name: str) -> int:
    return [method for method, _ in authority.asked].count(name)


def test_nobody_is_401_and_told_what_to_do(person: Person) -> None:
    for path in ("/in", "/scoped", "/permitted", "/user", "/user/anew", "/user/scoped"):
        got = person.get(path)
        assert (got.status_code, got.json()["reason"]) == (401, "not_signed_in"), path
        assert got.json()["remedy"]
        assert got.headers.get("www-authenticate") == ("Bearer" if person.kind == "bearer" else None)


def test_nobody_is_none_where_that_is_optional(person: Person) -> None:
    assert person.get("/perhaps").json() == {"message": "Anonymous user"}
    assert person.get("/scoped-perhaps").json() is None
    assert person.get("/user/perhaps").json() is None


def test_a_credential_that_is_no_good_is_nobody_too(person: Person) -> None:
    person.headers = {"cookie": "session=forged", "authorization": "Bearer forged"}
    assert person.get("/perhaps").json() == {"message": "Anonymous user"}
    assert person.get("/in").status_code == 401


def test_the_other_kind_of_credential_counts_for_nothing(fake_authority: FakeAuthority) -> None:
    by_cookie, by_token = (Person(kind, fake_authority) for kind in ("cookie", "bearer"))
    by_cookie.come()
    by_token.come()
    by_cookie.headers, by_token.headers = by_token.headers, by_cookie.headers
    assert [by_cookie.get("/in").status_code, by_token.get("/in").status_code] == [401, 401]


def test_what_somebody_may_do_is_told(person: Person) -> None:
    person.come("fake_1", scopes=["read", "openid"], permissions=["castles:read"], roles=["staff"], acr="2")
    assert person.get("/in").json() == {
        "id": "fake_1",
        "scope": ["openid", "read"],
        "permissions": ["castles:read"],
        "roles": ["staff"],
        "acr": "2",
        "claims": {},
    }
    assert person.get("/perhaps").json()["id"] == "fake_1"


def test_a_missing_scope_is_403_and_named(person: Person) -> None:
    person.come(scopes=["reports"])
    got = person.get("/scoped")
    assert (got.status_code, got.json()["reason"]) == (403, "scope_missing")
    assert got.json()["remedy"]
    assert person.get("/scoped-perhaps").json()["scope"] == ["reports"]
    person.come(scopes=["reports", "read"])
    assert person.get("/scoped").json() == ["read", "reports"]


def test_a_missing_permission_is_403(person: Person) -> None:
    person.come(permissions=["castles:list"])
    got = person.get("/permitted")
    assert (got.status_code, got.json()["reason"]) == (403, "permission_missing")
    person.come(permissions=["castles:read"])
    assert person.get("/permitted").json() == ["castles:read"]


def test_optional_does_not_let_in_who_lacks_something(person: Person) -> None:
    person.come()
    assert person.get("/scoped-perhaps").status_code == 403


def test_a_user_may_be_asked_for_more_as_well(person: Person) -> None:
    person.come(scopes=["reports"])
    assert person.get("/user/scoped").json()["reason"] == "permission_missing"
    person.come("fake_7", scopes=["reports"], permissions=["castles:read"])
    assert person.get("/user/scoped").json() == "fake_7"


def test_trouble_is_503_and_nobody(person: Person, fake_authority: FakeAuthority) -> None:
    person.come()
    person.get("/in")
    fake_authority.away()
    for path in ("/in", "/perhaps", "/user/perhaps", "/user/anew"):
        got = person.get(path)
        assert (got.status_code, got.json()["reason"]) == (503, "AUTHORITY_UNAVAILABLE"), path


def test_the_user_is_who_the_session_says_custom_claims_too(fake_authority: FakeAuthority) -> None:
    person = Person("cookie", fake_authority)
    person.come("fake_1", email="a@example.com", email_verified=True, name="Ann", claims={"department": "ships"})
    assert person.get("/user").json() == {
        "user_id": "fake_1",
        "provider": "fake",
        "sub": "1",
        "email": "a@example.com",
        "email_verified": True,
        "name": "Ann",
        "picture": None,
        "claims": {"department": "ships"},
    }
    assert person.get("/in").json()["claims"] == {"department": "ships"}
    assert asked(fake_authority, "GetUserInfo") == 0, "who it is came with the check"


def test_refresh_asks_the_provider_again(person: Person, fake_authority: FakeAuthority) -> None:
    person.come("fake_1", email="a@example.com")
    assert person.get("/user").json()["email"] == "a@example.com"
    assert person.get("/user/anew").json()["email"] == "a@example.com"
    name = "GetUserInfo" if person.kind == "cookie" else "ValidateToken"
    questions = [question for asked, question in fake_authority.asked if asked == name]
    assert [question.refresh for question in questions] == ([True] if person.kind == "cookie" else [False, True])  # type: ignore[attr-defined]
    if person.kind == "cookie":
        assert questions[0].context.method == b"GET"  # type: ignore[attr-defined]


def test_a_refreshed_token_says_who_it_is_now_and_the_cache_keeps_that(
    fake_authority: FakeAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = MemoryCache()
    person = Person("bearer", fake_authority, Auth(gatelodge, SCHEMES["bearer"], lambda: cache))
    person.come("fake_1", email="a@example.com")
    assert person.get("/user").json()["email"] == "a@example.com"
    now = v1.ActiveToken(identity=v1.Identity(user_id="fake_1", tenant="default", email="new@example.com"))
    now.refresh_time.GetCurrentTime()
    monkeypatch.setitem(_ANSWERS, VALIDATE_TOKEN, lambda *_: v1.ValidateTokenResponse(active=now))
    assert person.get("/user/anew").json()["email"] == "new@example.com"
    assert person.get("/user").json()["email"] == "new@example.com"


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (v1.ValidateTokenResponse(active=v1.ActiveToken(identity=v1.Identity(user_id="fake_1"))), 503),
        (v1.ValidateTokenResponse(inactive=v1.InactiveToken(answer=v1.HttpAnswer(status=401))), 401),
        (errors.ProviderUnavailableError("the provider is away"), 503),
    ],
)
def test_a_token_that_nobody_was_asked_about_is_not_refreshed(
    fake_authority: FakeAuthority, monkeypatch: pytest.MonkeyPatch, answer: Any, status: int
) -> None:
    person = Person("bearer", fake_authority)
    person.come()
    monkeypatch.setitem(_ANSWERS, VALIDATE_TOKEN, always(answer))
    assert person.get("/user/anew").status_code == status


@pytest.mark.parametrize("cache", [MemoryCache(), PlainCache()])
def test_a_cache_is_read_first_and_written_by_a_refresh(
    fake_authority: FakeAuthority, cache: MemoryCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = Person("cookie", fake_authority, Auth(gatelodge, SCHEMES["cookie"], lambda: cache))
    person.come("fake_1", name="Ann")
    assert person.get("/user").json()["name"] == "Ann"
    assert list(cache.kept) == ["default/fake_1"]
    cache.kept["default/fake_1"]["name"] = "Kept"
    assert person.get("/user").json()["name"] == "Kept"

    said = v1.UserInfo(identity=v1.Identity(user_id="fake_1", provider="fake", sub="1", name="Now"))
    monkeypatch.setitem(_ANSWERS, GET_USER_INFO, lambda *_: v1.GetUserInfoResponse(user_info=said))
    assert person.get("/user/anew").json()["name"] == "Now"
    assert person.get("/user").json()["name"] == "Now"


def test_a_cache_may_depend_on_things_itself(fake_authority: FakeAuthority) -> None:
    caches: dict[str, MemoryCache] = {}

    async def cache_of(request: Request) -> MemoryCache:
        return caches.setdefault(request.url.path, MemoryCache())

    person = Person("bearer", fake_authority, Auth(gatelodge, SCHEMES["bearer"], cache_of))
    person.come("fake_1")
    person.get("/user")
    assert list(caches["/user"].kept) == ["default/fake_1"]


def test_what_somebody_may_do_is_never_kept(fake_authority: FakeAuthority) -> None:
    person = Person("cookie", fake_authority, Auth(gatelodge, SCHEMES["cookie"], MemoryCache))
    assert not {"roles", "permissions", "scope"} & set(UserInfo.__annotations__)
    person.come("fake_1", scopes=["reports"], permissions=["castles:read"])
    assert person.get("/user/scoped").status_code == 200
    person.come("fake_1", scopes=["reports"])
    assert person.get("/user/scoped").status_code == 403


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (v1.GetUserInfoResponse(inactive=v1.InactiveSession()), 401),
        (v1.GetUserInfoResponse(denied=v1.DeniedSession()), 403),
        (v1.GetUserInfoResponse(), 503),
        (v1.GetUserInfoResponse(user_info=v1.UserInfo()), 503),
        (errors.ProviderUnavailableError("the provider is away"), 503),
    ],
)
def test_a_refresh_that_comes_to_nothing_is_answered_as_the_authority_says(
    fake_authority: FakeAuthority, monkeypatch: pytest.MonkeyPatch, answer: Any, status: int
) -> None:
    monkeypatch.setitem(_ANSWERS, GET_USER_INFO, always(answer))
    person = Person("cookie", fake_authority)
    person.come()
    assert person.get("/user/anew").status_code == status


def test_a_program_is_let_in_and_is_no_user(fake_authority: FakeAuthority) -> None:
    person = Person("bearer", fake_authority)
    person.come("", client_id="cron")
    assert person.get("/in").json()["id"] is None
    assert person.get("/user/perhaps").json() is None
    got = person.get("/user")
    assert (got.status_code, got.json()["reason"]) == (403, "USER_MISSING")


def test_an_unsafe_request_of_a_session_needs_its_csrf_token(fake_authority: FakeAuthority) -> None:
    person = Person("cookie", fake_authority)
    visitor = fake_authority.sign_in()
    cookie = {"cookie": f"session={visitor.credential}"}
    assert person.client.post("/in", headers=cookie).json()["reason"] == "csrf_mismatch"
    assert person.client.post("/in", headers={**cookie, **visitor.csrf_headers}).status_code == 200


# The web application: 307 to the login, and back.


@pytest.fixture
def web(fake_authority: FakeAuthority) -> Person:
    return Person("cookie", fake_authority, WebAuth(gatelodge, SCHEMES["cookie"]))


def test_a_page_leads_to_the_login_and_back_to_that_very_page(web: Person) -> None:
    there = "/in?page=2&q=%C3%A4%26b"
    for method in ("GET", "HEAD"):
        got = web.client.request(method, there) if method == "GET" else web.client.get(there, headers=NAVIGATING)
        assert (got.status_code, got.headers["cache-control"]) == (307, "no-store")
    browser = web.client
    begun = browser.get(got.headers["location"])
    assert begun.status_code == 302
    back = browser.get(browser.get(begun.headers["location"]).headers["location"])
    assert (back.status_code, str(back.url)) == (200, f"http://testserver{there}")


@pytest.mark.parametrize(
    ("method", "path", "headers"),
    [
        ("POST", "/in", {}),
        ("GET", "/in", {"sec-fetch-mode": "cors"}),
        ("GET", "/in?error=access_denied&request_id=r", {}),
        ("GET", "/in?a=1&error=", {}),
    ],
)
def test_who_would_not_come_back_gets_401(web: Person, method: str, path: str, headers: dict[str, str]) -> None:
    got = web.client.request(method, path, headers=headers)
    assert (got.status_code, got.json()["reason"]) == (401, "not_signed_in")


def test_an_ended_session_leads_to_the_login_and_trouble_does_not(web: Person, fake_authority: FakeAuthority) -> None:
    visitor = fake_authority.sign_in()
    fake_authority.end(visitor)
    web.headers = {"cookie": f"session={visitor.credential}", **NAVIGATING}
    assert web.get("/in").status_code == 307
    fake_authority.away()
    got = web.get("/in")
    assert (got.status_code, "set-cookie" in got.headers) == (503, False)


def test_a_preflight_reaches_no_hook_and_no_handler(fake_authority: FakeAuthority) -> None:
    person = Person("cookie", fake_authority, RaisingAuth(gatelodge, SCHEMES["cookie"]))
    asks = {"origin": "https://spa.example", "access-control-request-method": "GET"}
    got = person.client.options("/options", headers=asks)
    assert (got.status_code, got.headers["access-control-allow-origin"]) == (204, "https://spa.example")


def test_a_login_that_is_too_weak_leads_to_a_stronger_one_and_to_no_hook(web: Person) -> None:
    web.come(acr="1")
    got = web.get("/strong", **NAVIGATING)
    assert got.status_code == 302
    assert "acr_values=2" in got.headers["location"]
    got = web.get("/strong")
    assert (got.status_code, got.text) == (403, "<h1>Not yours</h1>"), "a script can't be led"


def test_an_answer_that_cant_be_copied_reaches_no_hook(
    fake_authority: FakeAuthority, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = Person("cookie", fake_authority, RaisingAuth(gatelodge, SCHEMES["cookie"]))
    inactive = v1.InactiveSession(answer=v1.HttpAnswer(status=7))
    monkeypatch.setitem(_ANSWERS, VALIDATE_SESSION, lambda *_: v1.ValidateSessionResponse(inactive=inactive))
    assert person.get("/in").status_code == 503
    assert person.get("/perhaps").json() == {"message": "Anonymous user"}, "that nobody is there was said"


def test_a_websocket_is_let_in_or_refused_at_its_handshake(web: Person) -> None:
    with pytest.raises(WebSocketDisconnect), web.client.websocket_connect("/socket"):
        raise AssertionError
    web.come("fake_1")
    here = {"origin": "http://testserver", "upgrade": "websocket", **web.headers}
    with web.client.websocket_connect("/socket", headers=here) as socket:
        assert socket.receive_text() == "fake_1"


# The two methods that applications override.


def test_an_application_answers_for_itself(web: Person) -> None:
    web.come()
    got = web.get("/scoped")
    assert (got.status_code, got.text) == (403, "<h1>Not yours</h1>")
    assert got.headers["content-type"].startswith("text/html")


def test_an_application_may_raise(fake_authority: FakeAuthority) -> None:
    person = Person("bearer", fake_authority, RaisingAuth(gatelodge, SCHEMES["bearer"]))
    got = person.get("/in")
    assert (got.status_code, got.json()) == (418, {"detail": "who are you?"})
    assert person.get("/perhaps").status_code == 200


@pytest.mark.parametrize("given", [None, "go away", StreamingResponse(iter([b"x"]))])
def test_what_is_no_answer_lets_nobody_in(fake_authority: FakeAuthority, given: Any) -> None:
    class Forgetful(Auth):
        async def get_unauthorized_response(self, request: Request, response: Response) -> Response:
            return given  # type: ignore[no-any-return]

    person = Person("bearer", fake_authority, Forgetful(gatelodge, SCHEMES["bearer"]))
    with pytest.raises(TypeError, match="response"):
        person.get("/in")


def test_a_rotated_cookie_goes_out_with_an_answer_of_the_applications(fake_authority: FakeAuthority) -> None:
    class Plain(Auth):
        async def get_unauthorized_response(self, request: Request, response: Response) -> Response:
            return PlainTextResponse("no token", 401)

    app = FastAPI()
    gatelodge.install(app)
    cookie, token = Auth(gatelodge, SCHEMES["cookie"]), Plain(gatelodge, SCHEMES["bearer"])
    both = [Depends(cookie.authenticated()), Depends(token.authenticated())]

    @app.get("/both", dependencies=both)
    async def neither() -> None:
        raise AssertionError

    visitor = fake_authority.sign_in(renewed_credential="renewed")
    got = TestClient(app).get("/both", headers={"cookie": f"session={visitor.credential}"})
    assert (got.status_code, got.text) == (401, "no token")
    assert "session=renewed" in got.headers["set-cookie"]


def test_a_refresh_is_answered_by_the_application_too(web: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    web.come()
    denied = v1.GetUserInfoResponse(denied=v1.DeniedSession())
    monkeypatch.setitem(_ANSWERS, GET_USER_INFO, lambda *_: denied)
    assert web.get("/user/anew").text == "<h1>Not yours</h1>"
    monkeypatch.setitem(_ANSWERS, GET_USER_INFO, lambda *_: v1.GetUserInfoResponse(inactive=v1.InactiveSession()))
    assert web.get("/user/anew").status_code == 307


# What stands in the OpenAPI document.


def test_the_document_shows_the_schemes_and_the_scopes(fake_authority: FakeAuthority) -> None:
    at = "https://id.example"
    code = OAuth2AuthorizationCodeBearer(f"{at}/authorize", f"{at}/token", scopes={"reports": "Read reports"})
    shown = Person("bearer", fake_authority, Auth(gatelodge, code)).get("/openapi.json").json()
    (scheme,) = shown["components"]["securitySchemes"].values()
    assert (scheme["type"], scheme["flows"]["authorizationCode"]["tokenUrl"]) == ("oauth2", f"{at}/token")
    assert shown["paths"]["/scoped"]["get"]["security"] == [{"OAuth2AuthorizationCodeBearer": ["reports", "read"]}]
    shown = Person("cookie", fake_authority).get("/openapi.json").json()
    assert shown["components"]["securitySchemes"] == {
        "APIKeyCookie": {"type": "apiKey", "in": "cookie", "name": "session"}
    }
    assert shown["paths"]["/user/scoped"]["get"]["security"] == [{"APIKeyCookie": ["reports"]}]
    parameters = [next(iter(path.values())).get("parameters", []) for path in shown["paths"].values()]
    assert all(given == [] for given in parameters), "nothing that the dependencies take is the caller's to give"


def test_a_cookie_that_is_not_the_authoritys_is_told_once(
    fake_authority: FakeAuthority, caplog: pytest.LogCaptureFixture
) -> None:
    person = Person("cookie", fake_authority, Auth(gatelodge, APIKeyCookie(name="user_session")))
    person.come()
    assert [person.get("/in").status_code for _ in range(2)] == [200, 200]
    (told,) = [record.getMessage() for record in caplog.records if "APIKeyCookie" in record.getMessage()]
    assert "'user_session'" in told
    assert "session" in told.partition("in, ")[2]


def test_what_can_be_no_scheme_is_refused_where_it_stands() -> None:
    with pytest.raises(TypeError, match=r"APIKeyCookie.*HTTPBearer.*not APIKeyHeader"):
        Auth(gatelodge, APIKeyHeader(name="x-key"))
    with pytest.raises(TypeError, match='a list such as \\["admin"\\]'):
        Auth(gatelodge, SCHEMES["bearer"]).authenticated(scope="admin")
