"""Owns looking for the session before a view runs, sync and async. Does not know what the view needs: its mark says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase

from gatelodge.admission import Outgoing
from gatelodge.answer import Refused
from gatelodge.django import conf, http, marks, unread
from gatelodge.requirements import TokenRequirements

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from gatelodge.admission import Admission
    from gatelodge.answer import Answer
    from gatelodge.routes import Route
    from gatelodge.session import Session
    from gatelodge.token import Token

_OUTGOING = "gatelodge_outgoing"


class SessionRequest(HttpRequest):
    """A request under ``session_required``, for annotations: :class:`SessionMiddleware` found its session."""

    gatelodge: Session


class TokenRequest(HttpRequest):
    """A request under ``token_required``, for annotations: :class:`SessionMiddleware` checked its token."""

    gatelodge_token: Token


class SessionMiddleware:
    """Looks for the session of every request, and keeps it as ``request.gatelodge``: a ``Session``, or ``None``.

    Views under :func:`session_required` are not entered without one, those under :func:`session_exempt` are not asked
    about, and those under :func:`token_required` want a bearer token instead. While the authority can't say who
    somebody is, all other views are 503; nobody is logged out because of it.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        conf.edge()  # A fault in the settings is one at the start.
        self._get_response = get_response
        self._is_async = iscoroutinefunction(get_response)
        self.process_view: Callable[..., Any] = self._view
        if self._is_async:
            markcoroutinefunction(self)
            self.process_view = self._async_view

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Serves the request, and delivers the cookies that came with its session."""
        if self._is_async:
            return self._async_call(request)
        response: HttpResponseBase = self._get_response(request)
        _deliver(request, response)
        return response

    async def _async_call(self, request: HttpRequest) -> HttpResponseBase:
        response: HttpResponseBase = await self._get_response(request)
        _deliver(request, response)
        return response

    def _view(self, request: HttpRequest, view: Callable[..., Any], *_: object) -> HttpResponse | None:
        raw, mark, route = http.raw_request(request), marks.of(view), _route_of(view)
        if route is not None:
            return route_response(conf.edge().answer(route, raw, http.body_of(request)))
        if mark.is_exempt and not mark.guards:
            return None
        gate = conf.edge().gate
        try:
            if not mark.guards:
                _admit(request, gate.admit(raw))
            for guard in mark.guards:
                if isinstance(guard, TokenRequirements):
                    request.gatelodge_token = gate.token(raw, guard)  # type: ignore[attr-defined]
                else:
                    _admit(request, gate.admit(raw, guard)).required()
                marks.passed(request).add(guard)
        except Refused as refused:
            return _refused(request, refused)
        return None

    async def _async_view(self, request: HttpRequest, view: Callable[..., Any], *_: object) -> HttpResponse | None:
        raw, mark, route = http.raw_request(request), marks.of(view), _route_of(view)
        if route is not None:
            return route_response(await conf.async_edge().answer(route, raw, http.async_body_of(request)))
        if mark.is_exempt and not mark.guards:
            return None
        gate = conf.async_edge().gate
        try:
            if not mark.guards:
                _admit(request, await gate.admit(raw))
            for guard in mark.guards:
                if isinstance(guard, TokenRequirements):
                    request.gatelodge_token = await gate.token(raw, guard)  # type: ignore[attr-defined]
                else:
                    _admit(request, await gate.admit(raw, guard)).required()
                marks.passed(request).add(guard)
        except Refused as refused:
            return _refused(request, refused)
        return None


def route_response(answer: Answer | None) -> HttpResponse:
    """The answer of a login route; one that is off is as an unknown path."""
    if answer is None:
        raise Http404
    return http.CopiedResponse(answer)


def _route_of(view: object) -> Route | None:
    return getattr(view, unread.ROUTE, None)


def _admit(request: HttpRequest, admission: Admission) -> Admission:
    request.gatelodge = admission.session  # type: ignore[attr-defined]
    _outgoing(request).add(admission)
    return admission


def _refused(request: HttpRequest, refused: Refused) -> HttpResponse:
    _outgoing(request).refused(refused.answer)
    return http.CopiedResponse(refused.answer)


def _outgoing(request: HttpRequest) -> Outgoing:
    outgoing: Outgoing | None = getattr(request, _OUTGOING, None)
    if outgoing is None:
        outgoing = Outgoing()
        setattr(request, _OUTGOING, outgoing)
    return outgoing


def _deliver(request: HttpRequest, response: HttpResponseBase) -> None:
    outgoing = _outgoing(request)
    if outgoing:
        http.deliver(response, outgoing.headers)
