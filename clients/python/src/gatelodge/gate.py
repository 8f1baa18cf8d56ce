"""Owns a client together with the settings of an edge: the sessions and tokens of an application's own requests.

Does not know routes or frameworks.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gatelodge import admission, answer, bearer
from gatelodge.answer import Refused
from gatelodge.errors import GatelodgeError
from gatelodge.keeper import AsyncKeeper, Keeper
from gatelodge.requirements import ANY_TOKEN, NONE, Requirements, TokenRequirements

if TYPE_CHECKING:
    from collections.abc import Callable

    from gatelodge import v1
    from gatelodge.admission import Admission
    from gatelodge.async_client import AsyncClient
    from gatelodge.client import Client
    from gatelodge.presented import RawRequest
    from gatelodge.settings import Settings
    from gatelodge.token import Token


def _no_matter(_: Settings) -> None:
    """Nothing depends on a change."""


class Gate:
    """Looks for the session or the token of a request, in threads."""

    def __init__(self, client: Client, *, on_settings: Callable[[Settings], None] = _no_matter) -> None:
        self.client = client
        self.keeper = Keeper(client, on_settings)

    def admit(self, request: RawRequest, requirements: Requirements = NONE) -> Admission:
        """Asks who is behind a request, and whether it may go ahead. Ask once per request.

        Raises:
            Refused: the application does not get the request: it may not be made, or the authority could not say.
        """
        settings = self.keeper.settings(request.host)
        if request.is_preflight:
            return admission.preflight(request, settings)
        if settings is None:
            raise Refused(answer.unavailable(request))
        question = admission.question(request, settings, requirements)
        try:
            checked = self.client.for_request(request.request_id).sessions.check(question)
        except GatelodgeError as error:
            raise Refused(answer.failed(request, error)) from error
        self.keeper.saw_version(checked.settings_version)
        return admission.decide(request, settings, checked)

    def token(self, request: RawRequest, requirements: TokenRequirements = ANY_TOKEN) -> Token:
        """Asks whose bearer token a request presents, and whether it may go ahead. Ask once per request.

        Raises:
            Refused: the application does not get the request: 401 or 403 with ``WWW-Authenticate``, or 503.
        """
        question = bearer.question(request, requirements)
        try:
            verdict = self.client.for_request(request.request_id).tokens.check(question)
        except GatelodgeError as error:
            raise Refused(answer.failed(request, error)) from error
        return bearer.decide(request, verdict)


class AsyncGate:
    """Looks for the session or the token of a request, in an event loop."""

    def __init__(self, client: AsyncClient, *, on_settings: Callable[[Settings], None] = _no_matter) -> None:
        self.client = client
        self.keeper = AsyncKeeper(client, on_settings)

    async def admit(self, request: RawRequest, requirements: Requirements = NONE) -> Admission:
        """Asks who is behind a request, and whether it may go ahead. Ask once per request.

        Raises:
            Refused: the application does not get the request: it may not be made, or the authority could not say.
        """
        settings = await self.keeper.settings(request.host)
        if request.is_preflight:
            return admission.preflight(request, settings)
        if settings is None:
            raise Refused(answer.unavailable(request))
        question = admission.question(request, settings, requirements)
        try:
            checked = await self.client.for_request(request.request_id).sessions.check(question)
        except GatelodgeError as error:
            raise Refused(answer.failed(request, error)) from error
        self.keeper.saw_version(checked.settings_version)
        return admission.decide(request, settings, checked)

    async def token(self, request: RawRequest, requirements: TokenRequirements = ANY_TOKEN) -> Token:
        """Asks whose bearer token a request presents, and whether it may go ahead. Ask once per request.

        Raises:
            Refused: the application does not get the request: 401 or 403 with ``WWW-Authenticate``, or 503.
        """
        question = bearer.question(request, requirements)
        try:
            verdict = await self.client.for_request(request.request_id).tokens.check(question)
        except GatelodgeError as error:
            raise Refused(answer.failed(request, error)) from error
        return bearer.decide(request, verdict)

    async def user_info(self, request: RawRequest) -> v1.UserInfo:
        """Has the provider of a request's session say anew who it is: the session goes by that from then on.

        Raises:
            Refused: the application does not get the request: there is no session, or nobody could say.
        """
        settings = await self.keeper.settings(request.host)
        if settings is None:
            raise Refused(answer.unavailable(request))
        question = admission.user_info_question(request, settings)
        try:
            said = await self.client.for_request(request.request_id).sessions.get_user_info(question)
        except GatelodgeError as error:
            raise Refused(answer.failed(request, error)) from error
        return admission.user_info(request, said)
