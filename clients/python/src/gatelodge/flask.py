"""Owns sessions and login routes for Flask. Decides nothing.

::

    app = Flask(__name__)
    gatelodge = Gatelodge(app)


    @app.get("/")
    @gatelodge.session_required
    def home() -> str:
        return f"Hello, {gatelodge.session.user_id}"
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Any, TypeVar

import flask
from werkzeug.routing import Rule

from gatelodge import wsgi
from gatelodge.admission import Outgoing
from gatelodge.answer import Answer, Refused
from gatelodge.edge import WEB, Edge
from gatelodge.requirements import NONE, Requirements, TokenRequirements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from typing_extensions import Unpack
    from werkzeug.datastructures import Headers

    from gatelodge import v1
    from gatelodge.admission import Admission
    from gatelodge.options import ClientOptions
    from gatelodge.requirements import SessionNeeds, TokenNeeds
    from gatelodge.routes import Route
    from gatelodge.session import Session
    from gatelodge.token import Token
    from gatelodge.users import Users

View = TypeVar("View", bound="Callable[..., Any]")

_OUTGOING = "gatelodge.outgoing"


class Gatelodge:
    """Sessions and login routes of an application.

    Nothing is opened or started before the first request, or :meth:`start`.

    Args:
        app: the application; or call :meth:`init_app` later.
        options: how to reach the authority; by default what ``GATELODGE_ADDRESS`` and its fellows say. Where none of
            them is set at all, as in tests, that is a fault at the first request and not here.
        mount_prefix: what stands before the paths of the login routes, such as ``/app``. It has to be the authority's.
        route_sets: the route sets to mount.
        users: the application's own users, for the set ``spa``: see :mod:`gatelodge.users`.

    Raises:
        OptionsError: a setting is missing or can't be used.
    """

    def __init__(
        self,
        app: flask.Flask | None = None,
        options: ClientOptions | None = None,
        *,
        mount_prefix: str = "",
        route_sets: Iterable[v1.RouteSet.ValueType] = (WEB,),
        users: Users | None = None,
    ) -> None:
        self.edge = Edge(options, mount_prefix=mount_prefix, route_sets=route_sets, users=users)
        if app is not None:
            self.init_app(app)

    def init_app(self, app: flask.Flask) -> None:
        """Adds the login routes."""
        for route in self.edge.routes:
            endpoint = f"gatelodge.{route.name}"
            # Flask's own way would answer the methods that a route does not take; they are the edge's to answer.
            app.url_map.add(Rule(self.edge.path_for(route, "<provider>"), endpoint=endpoint, methods=None))
            app.view_functions[endpoint] = functools.partial(self._answer, route)

    def start(self) -> None:
        """Begins to ask before the first request does, so that a wrong key is told in the log at once.

        To be called in the process that serves, after its fork: in gunicorn's ``post_worker_init``.

        Raises:
            OptionsError: a setting is missing or can't be used.
        """
        self.edge.start()

    @property
    def session(self) -> Session:
        """The session of the request that is being served by a view under :meth:`session_required`."""
        session = self.optional_session
        if session is None:
            raise RuntimeError(
                "nobody is signed in: put @gatelodge.session_required on the view, or use optional_session"
            )
        return session

    @property
    def optional_session(self) -> Session | None:
        """The session of the request that is being served, or ``None``."""
        admission: Admission | None = flask.g.get("gatelodge_admission")
        if admission is None:
            raise RuntimeError(
                "no session was looked for: put @gatelodge.session_required or session_optional on the view"
            )
        return admission.session

    def session_required(self, view: View) -> View:
        """Lets nobody enter without a session: a browser is sent to the login, a fetch gets 401."""
        return self.require()(view)

    def session_optional(self, view: View) -> View:
        """Looks for the session, and lets everybody enter."""
        return self._guarded(view, NONE, is_required=False)

    def require(self, **needs: Unpack[SessionNeeds]) -> Callable[[View], View]:
        """As :meth:`session_required`, asking for more: ``@gatelodge.require(roles=["admin"])``.

        Args:
            needs: see :class:`gatelodge.SessionNeeds`.
        """
        requirements = Requirements.of(**needs)
        return lambda view: self._guarded(view, requirements, is_required=True)

    @property
    def token(self) -> Token:
        """The bearer token of the request that is being served by a view under :meth:`token_required`."""
        token: Token | None = flask.g.get("gatelodge_token")
        if token is None:
            raise RuntimeError("no token was looked for: put @gatelodge.token_required on the view")
        return token

    def token_required(self, view: View) -> View:
        """Lets nobody enter without a good bearer token: 401 with ``WWW-Authenticate: Bearer``."""
        return self.require_token()(view)

    def require_token(self, **needs: Unpack[TokenNeeds]) -> Callable[[View], View]:
        """As :meth:`token_required`, asking for more: who lacks a scope or a permission gets 403.

        Args:
            needs: see :class:`gatelodge.TokenNeeds`.
        """
        requirements = TokenRequirements.of(**needs)

        def guard(view: View) -> View:
            @functools.wraps(view)
            def guarded(*args: Any, **kwargs: Any) -> Any:
                try:
                    request = wsgi.raw_request(flask.request.environ)
                    flask.g.gatelodge_token = self.edge.gate.token(request, requirements)
                except Refused as refused:
                    return _refused(refused)
                return flask.current_app.ensure_sync(view)(*args, **kwargs)

            return guarded  # type: ignore[return-value]

        return guard

    def _guarded(self, view: View, requirements: Requirements, *, is_required: bool) -> View:
        @functools.wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            request = wsgi.raw_request(flask.request.environ)
            try:
                admission = self.edge.gate.admit(request, requirements)
                if is_required:
                    admission.required()
            except Refused as refused:
                return _refused(refused)
            flask.g.gatelodge_admission = admission
            _outgoing().add(admission)
            return flask.current_app.ensure_sync(view)(*args, **kwargs)

        return guarded  # type: ignore[return-value]

    def _answer(self, route: Route, **_in_path: str) -> flask.Response:
        environ = flask.request.environ
        answer = self.edge.answer(route, wsgi.raw_request(environ), wsgi.body_of(environ))
        if answer is None:
            flask.abort(404)
        return _Copied(answer)


def _outgoing() -> Outgoing:
    """What the guards of this request have to deliver. It goes out, too, when the view raises."""
    outgoing: Outgoing | None = flask.request.environ.get(_OUTGOING)
    if outgoing is None:
        outgoing = flask.request.environ[_OUTGOING] = Outgoing()
        flask.after_this_request(functools.partial(_deliver, outgoing))
    return outgoing


def _refused(refused: Refused) -> flask.Response:
    _outgoing().refused(refused.answer)
    return _Copied(refused.answer)


def _deliver(outgoing: Outgoing, response: flask.Response) -> flask.Response:
    """Cookies come first, so that what the response itself says of the same ones counts."""
    response.vary.add("Cookie")
    cookies = response.headers.getlist("set-cookie")
    for name, value in reversed(outgoing.headers):
        response.headers["Cache-Control"] = "no-store"
        if name == "set-cookie":
            cookies.insert(0, value)
        else:
            response.headers[name] = value
    response.headers.setlist("set-cookie", cookies)
    return response


class _Copied(flask.Response):
    """An answer whose headers are sent as they are; Werkzeug would write the Location anew."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer.body, status=answer.status)
        self.headers.clear()
        self.headers.extend(answer.headers)

    def get_wsgi_headers(self, environ: Any) -> Headers:  # noqa: ARG002
        return self.headers
