"""Owns the client for asyncio: every call of the contract. Does not know HTTP or browsers."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import TYPE_CHECKING, Any

from gatelodge import _methods as methods
from gatelodge import verdict
from gatelodge._attempts import Attempts
from gatelodge._keeping import AsyncKeeping
from gatelodge._own import PerLoop
from gatelodge.client import metadata_of
from gatelodge.errors import GatelodgeError
from gatelodge.options import ClientOptions
from gatelodge.transport import AsyncGrpcTransport, AsyncTransport

if TYPE_CHECKING:
    from collections.abc import AsyncIterable, Coroutine

    from gatelodge import v1
    from gatelodge._methods import A, Method, Q, StreamMethod
    from gatelodge.transport import AsyncStream
    from gatelodge.verdict import Checked, TokenVerdict


class AsyncClient:
    """Asks an authority from asyncio; as :class:`gatelodge.Client` is for threads.

    The connection is made at the first call of each event loop, and again whenever it is lost: an authority that is
    away when a program starts is no error. Every call has a deadline (2 s; 8 s for what ends sessions; 10 s where a
    provider may have to be asked; 20 s for a login's end), which the authority is told; those that are safe to repeat
    are repeated within it while the authority is unavailable.

    Args:
        options: how to reach the authority; by default what ``GATELODGE_ADDRESS`` and its fellows say.
        transport: carries the calls instead of gRPC, such as a :class:`gatelodge.testing.FakeAuthority`'s.

    Raises:
        OptionsError: a setting is missing or can't be used.
    """

    def __init__(self, options: ClientOptions | None = None, *, transport: AsyncTransport | None = None) -> None:
        if transport is None:
            options = options or ClientOptions.from_env()
            transport = AsyncGrpcTransport(options)
        self._options = options
        self._transport: AsyncTransport = transport
        self._request_id: str | None = None
        self._timeout = options.timeout if options else None
        self._keeping: PerLoop[AsyncKeeping] | None = None
        if options is not None and options.keep_answers:
            # It outlives no client: what watches must not hold this one.
            begin = partial(transport.stream, methods.WATCH_SESSIONS, metadata=metadata_of(options, None))
            self._keeping = PerLoop(partial(AsyncKeeping, options.keep_answers, begin))

    @property
    def login(self) -> AsyncLoginCalls:
        """The calls of an edge: logins and logouts."""
        return AsyncLoginCalls(self)

    @property
    def sessions(self) -> AsyncSessionCalls:
        """The calls about a presented session."""
        return AsyncSessionCalls(self)

    @property
    def tokens(self) -> AsyncTokenCalls:
        """The calls about bearer tokens."""
        return AsyncTokenCalls(self)

    @property
    def admin(self) -> AsyncAdminCalls:
        """The calls of an admin."""
        return AsyncAdminCalls(self)

    async def is_serving(self, service: str = "") -> bool:
        """Whether a service (empty for all) is serving now, as ``grpc.health.v1`` says. Needs no key."""
        question = methods.HEALTH_CHECK.question(value=service)
        answer = await self.call(methods.HEALTH_CHECK, question)
        return answer.value == methods.HEALTH_SERVING

    def for_request(self, request_id: str) -> AsyncClient:
        """The same client, whose calls carry this request id into the authority's log."""
        return self._with(request_id, self._timeout)

    def with_timeout(self, timeout: float) -> AsyncClient:
        """The same client, whose calls may take this many seconds."""
        return self._with(self._request_id, timeout)

    async def close(self) -> None:
        """Closes the connection, and forgets what was kept. A later call opens another."""
        keeping = self._keeping.take() if self._keeping else None
        if keeping is not None:
            keeping.close()
        await self._transport.close()

    async def __aenter__(self) -> AsyncClient:  # noqa: PYI034
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def call(self, method: Method[Q, A], question: Q) -> A:
        """Sends until there is an answer, a failure that a repeat can't mend, or no time left."""
        attempts = Attempts(method, self._timeout, time.monotonic())
        if self._keeping is None:
            return await self._call(method, question, attempts)
        keeping = self._keeping.get()
        outcome: A | GatelodgeError | None = None
        try:
            outcome = answer = await self._call(method, keeping.current(question), attempts)
        except GatelodgeError as failure:
            outcome = failure
            raise
        finally:
            keeping.came_back(method, question, outcome, attempts)
        return answer

    def check(self, question: v1.ValidateSessionRequest) -> Coroutine[Any, Any, Checked]:
        """As :meth:`AsyncSessionCalls.check`."""
        if self._keeping is None:
            return self._check(question)
        return self._keeping.get().check(question, self._timeout, self._validate)

    def stream(self, method: StreamMethod[Q, A], asked: Q | AsyncIterable[Q]) -> AsyncStream[A]:
        """Begins a stream. It has no deadline, and is not made again by itself."""
        return self._transport.stream(method, asked, metadata=metadata_of(self._options, self._request_id))

    async def _check(self, question: v1.ValidateSessionRequest) -> Checked:
        return verdict.read(question, await self._validate(question))

    async def _validate(self, question: v1.ValidateSessionRequest) -> v1.ValidateSessionResponse:
        return await self.call(methods.VALIDATE_SESSION, question)

    async def _call(self, method: Method[Q, A], question: Q, attempts: Attempts) -> A:
        metadata = metadata_of(self._options, self._request_id)
        while True:
            timeout = attempts.remaining(time.monotonic())
            try:
                return await self._transport.send(method, question, timeout=timeout, metadata=metadata)
            except GatelodgeError as failure:
                await asyncio.sleep(attempts.wait_after(failure, time.monotonic()))

    def _with(self, request_id: str | None, timeout: float | None) -> AsyncClient:
        other = AsyncClient.__new__(AsyncClient)
        other.__dict__.update(self.__dict__, _request_id=request_id, _timeout=timeout)
        return other


class AsyncLoginCalls:
    """Logs people in and out: what an edge asks."""

    def __init__(self, client: AsyncClient) -> None:
        self._call = client.call

    async def get_edge_settings(self, question: v1.GetEdgeSettingsRequest) -> v1.GetEdgeSettingsResponse:
        """All that an edge has to know beyond address and key."""
        return await self._call(methods.GET_EDGE_SETTINGS, question)

    async def list_providers(
        self, question: v1.LoginServiceListProvidersRequest
    ) -> v1.LoginServiceListProvidersResponse:
        """The identity providers that a person can log in with."""
        return await self._call(methods.LIST_PROVIDERS, question)

    async def start_login(self, question: v1.StartLoginRequest) -> v1.StartLoginResponse:
        """Begins a login. Never repeated: a repeat would begin another."""
        return await self._call(methods.START_LOGIN, question)

    async def complete_callback(self, question: v1.CompleteCallbackRequest) -> v1.CompleteCallbackResponse:
        """Completes a login. Not repeated here: the browser can do so, and gets the same answer."""
        return await self._call(methods.COMPLETE_CALLBACK, question)

    async def start_logout(self, question: v1.StartLogoutRequest) -> v1.StartLogoutResponse:
        """Ends the browser's session."""
        return await self._call(methods.START_LOGOUT, question)

    async def complete_logout(self, question: v1.CompleteLogoutRequest) -> v1.CompleteLogoutResponse:
        """Receives the browser back from the provider's logout."""
        return await self._call(methods.COMPLETE_LOGOUT, question)

    async def handle_backchannel_logout(
        self, question: v1.HandleBackchannelLogoutRequest
    ) -> v1.HandleBackchannelLogoutResponse:
        """Ends the sessions of which a provider's server says that they have ended there.

        Repeated only while the authority is away: a token that was carried out ends nothing when it comes again.
        """
        return await self._call(methods.HANDLE_BACKCHANNEL_LOGOUT, question)

    async def handle_frontchannel_logout(
        self, question: v1.HandleFrontchannelLogoutRequest
    ) -> v1.HandleFrontchannelLogoutResponse:
        """Ends the sessions of which a provider's page has the browser say that they have ended there."""
        return await self._call(methods.HANDLE_FRONTCHANNEL_LOGOUT, question)


class AsyncSessionCalls:
    """Asks about, uses and ends the session that a browser presented."""

    __slots__ = ("_client",)

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    async def check(self, question: v1.ValidateSessionRequest) -> Checked:
        """Who is behind a credential, and whether this request may go ahead.

        A yes may come from memory, for as long as the authority allows and says that nothing has happened to the
        session: see :attr:`ClientOptions.keep_answers`.

        Raises:
            GatelodgeError: the authority could not say. Answer 503, and leave the browser's cookies alone.
        """
        return await self._client.check(question)

    async def validate_session(self, question: v1.ValidateSessionRequest) -> v1.ValidateSessionResponse:
        """As :meth:`check`, always asked and unread: prefer that one, which minds what must not be taken for a yes."""
        return await self._client.call(methods.VALIDATE_SESSION, question)

    async def refresh_tokens(self, question: v1.RefreshTokensRequest) -> v1.RefreshTokensResponse:
        """Fetches new tokens from the provider with the session's refresh token, now."""
        return await self._client.call(methods.REFRESH_TOKENS, question)

    async def get_access_token(self, question: v1.GetAccessTokenRequest) -> v1.GetAccessTokenResponse:
        """The session's access token, refreshed first when it lives shorter than asked for.

        Raises:
            InconclusiveError: the authority is too old to know the audience that was asked for.
        """
        return verdict.for_audience(question, await self._client.call(methods.GET_ACCESS_TOKEN, question))

    async def get_user_info(self, question: v1.GetUserInfoRequest) -> v1.GetUserInfoResponse:
        """Who the session's user is, as it is known, or as the provider says now."""
        return await self._client.call(methods.GET_USER_INFO, question)

    async def list_user_sessions(self, question: v1.ListUserSessionsRequest) -> v1.ListUserSessionsResponse:
        """The living sessions of the presented session's user, the newest first, a page at a time."""
        return await self._client.call(methods.LIST_USER_SESSIONS, question)

    async def get_attributes(self, question: v1.GetAttributesRequest) -> v1.GetAttributesResponse:
        """What an application keeps with the session: small values of its own."""
        return await self._client.call(methods.GET_ATTRIBUTES, question)

    async def update_attributes(self, question: v1.UpdateAttributesRequest) -> v1.UpdateAttributesResponse:
        """Changes what an application keeps with the session.

        Raises:
            VersionConflictError: somebody has changed it since it was read. Read it again, and decide again.
        """
        return await self._client.call(methods.UPDATE_ATTRIBUTES, question)

    async def revoke(self, question: v1.SessionServiceRevokeRequest) -> v1.SessionServiceRevokeResponse:
        """Ends the presented session, one other of the same user, or all others."""
        return await self._client.call(methods.REVOKE_SESSION, question)

    def watch_sessions(self, question: v1.WatchSessionsRequest) -> AsyncStream[v1.WatchSessionsResponse]:
        """What happens to sessions from now on, or from a position on: for whoever holds something open for one.

        It is not made again by itself: call again with the last position. :meth:`check` watches by itself.
        """
        return self._client.stream(methods.WATCH_SESSIONS, question)

    def check_sessions(
        self, questions: AsyncIterable[v1.CheckSessionsRequest]
    ) -> AsyncStream[v1.CheckSessionsResponse]:
        """Many questions on one stream, unread, each answered under its own id: for whoever has very many to ask."""
        return self._client.stream(methods.CHECK_SESSIONS, questions)


class AsyncTokenCalls:
    """Checks bearer tokens, and mints tokens of the authority's own."""

    def __init__(self, client: AsyncClient) -> None:
        self._call = client.call

    async def check(self, question: v1.ValidateTokenRequest) -> TokenVerdict:
        """Whose a bearer token is, and whether this request may go ahead.

        Raises:
            GatelodgeError: the authority could not say. Answer 503.
        """
        return verdict.read_token(question, await self.validate_token(question))

    async def validate_token(self, question: v1.ValidateTokenRequest) -> v1.ValidateTokenResponse:
        """As :meth:`check`, with the answer unread: prefer that one, which minds what must not be taken for a yes."""
        return await self._call(methods.VALIDATE_TOKEN, question)

    async def mint_token(self, question: v1.MintTokenRequest) -> v1.MintTokenResponse:
        """A small signed token from the session that a browser presented."""
        return await self._call(methods.MINT_TOKEN, question)

    async def get_jwks(self, question: v1.GetJwksRequest) -> v1.GetJwksResponse:
        """The public keys that check tokens of :meth:`mint_token`."""
        return await self._call(methods.GET_JWKS, question)


class AsyncAdminCalls:
    """Sees and ends sessions from outside the browser."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client
        self._call = client.call

    async def list_sessions(self, question: v1.ListSessionsRequest) -> v1.ListSessionsResponse:
        """Living sessions, a page at a time: go on with ``next_page_token`` until it is empty.

        Raises:
            InconclusiveError: the authority is too old to know the filter that was asked for, and has listed too much.
        """
        return verdict.by_filter(question, await self._call(methods.LIST_SESSIONS, question))

    async def get_session(self, question: v1.GetSessionRequest) -> v1.GetSessionResponse:
        """One living session. One that is not there is a :class:`SessionNotFoundError`."""
        return await self._call(methods.GET_SESSION, question)

    async def revoke(self, question: v1.AdminServiceRevokeRequest) -> v1.AdminServiceRevokeResponse:
        """Ends one session, or all of a user, a provider, a tenant or everything. When it answers, they are dead."""
        return await self._call(methods.REVOKE_AS_ADMIN, question)

    async def preview_revoke(self, question: v1.PreviewRevokeRequest) -> v1.PreviewRevokeResponse:
        """How many sessions :meth:`revoke` would end, ending none."""
        return await self._call(methods.PREVIEW_REVOKE, question)

    async def get_user(self, question: v1.GetUserRequest) -> v1.GetUserResponse:
        """One user. One that is not there is a :class:`UserNotFoundError`."""
        return await self._call(methods.GET_USER, question)

    async def list_users(self, question: v1.ListUsersRequest) -> v1.ListUsersResponse:
        """Users, a page at a time: go on with ``next_page_token`` until it is empty."""
        return await self._call(methods.LIST_USERS, question)

    async def disable_user(self, question: v1.DisableUserRequest) -> v1.DisableUserResponse:
        """Ends every session of a user, and lets them log in no more."""
        return await self._call(methods.DISABLE_USER, question)

    async def enable_user(self, question: v1.EnableUserRequest) -> v1.EnableUserResponse:
        """Lets a disabled user log in again."""
        return await self._call(methods.ENABLE_USER, question)

    async def delete_user(self, question: v1.DeleteUserRequest) -> v1.DeleteUserResponse:
        """Deletes a user, with every session of theirs."""
        return await self._call(methods.DELETE_USER, question)

    async def create_caller_key(self, question: v1.CreateCallerKeyRequest) -> v1.CreateCallerKeyResponse:
        """Makes an API key for a caller, which is told this once."""
        return await self._call(methods.CREATE_CALLER_KEY, question)

    async def list_caller_keys(self, question: v1.ListCallerKeysRequest) -> v1.ListCallerKeysResponse:
        """The API keys that were made at run time and have not ended."""
        return await self._call(methods.LIST_CALLER_KEYS, question)

    async def revoke_caller_key(self, question: v1.RevokeCallerKeyRequest) -> v1.RevokeCallerKeyResponse:
        """Revokes an API key that was made at run time. When it answers, every replica refuses the key."""
        return await self._call(methods.REVOKE_CALLER_KEY, question)

    async def list_audit(self, question: v1.ListAuditRequest) -> v1.ListAuditResponse:
        """What was written down, the newest first, a page at a time, until ``next_page_token`` is empty."""
        return await self._call(methods.LIST_AUDIT, question)

    def watch_audit(self, question: v1.WatchAuditRequest) -> AsyncStream[v1.WatchAuditResponse]:
        """What is written down from now on. It is not made again by itself."""
        return self._client.stream(methods.WATCH_AUDIT, question)

    async def explain_login(self, question: v1.ExplainLoginRequest) -> v1.ExplainLoginResponse:
        """What became of a login, by the id of one of its requests.

        Raises:
            RequestUnknownError: nothing is kept of this request.
        """
        return await self._call(methods.EXPLAIN_LOGIN, question)
