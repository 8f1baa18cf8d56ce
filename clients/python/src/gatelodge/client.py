"""Owns the client that blocks: every call of the contract. Does not know HTTP, browsers or event loops."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

from gatelodge import _methods as methods
from gatelodge import verdict
from gatelodge._attempts import Attempts
from gatelodge._keeping import Keeping
from gatelodge._own import PerProcess
from gatelodge._redaction import Hidden
from gatelodge.errors import GatelodgeError
from gatelodge.options import ClientOptions
from gatelodge.transport import GrpcTransport, Metadata, Transport

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gatelodge import v1
    from gatelodge._methods import A, Method, Q, StreamMethod
    from gatelodge.transport import Stream
    from gatelodge.verdict import Checked, TokenVerdict


class Client:
    """Asks an authority, and waits for the answer. Safe to use from many threads, and across a fork.

    The connection is made at the first call of each process, and again whenever it is lost: an authority that is away
    when a program starts is no error. Every call has a deadline (2 s; 8 s for what ends sessions; 10 s where a provider
    may have to be asked; 20 s for a login's end), which the authority is told; those that are safe to repeat are
    repeated within it while the authority is unavailable.

    Args:
        options: how to reach the authority; by default what ``GATELODGE_ADDRESS`` and its fellows say.
        transport: carries the calls instead of gRPC, such as a :class:`gatelodge.testing.FakeAuthority`'s.

    Raises:
        OptionsError: a setting is missing or can't be used.
    """

    def __init__(self, options: ClientOptions | None = None, *, transport: Transport | None = None) -> None:
        if transport is None:
            options = options or ClientOptions.from_env()
            transport = GrpcTransport(options)
        self._options = options
        self._transport: Transport = transport
        self._request_id: str | None = None
        self._timeout = options.timeout if options else None
        self._keeping: PerProcess[Keeping] | None = None
        if options is not None and options.keep_answers:
            # It outlives no client: what watches must not hold this one.
            begin = partial(transport.stream, methods.WATCH_SESSIONS, metadata=metadata_of(options, None))
            self._keeping = PerProcess(partial(Keeping, options.keep_answers, begin), before_fork=Keeping.pause)

    @property
    def login(self) -> LoginCalls:
        """The calls of an edge: logins and logouts."""
        return LoginCalls(self)

    @property
    def sessions(self) -> SessionCalls:
        """The calls about a presented session."""
        return SessionCalls(self)

    @property
    def tokens(self) -> TokenCalls:
        """The calls about bearer tokens."""
        return TokenCalls(self)

    @property
    def admin(self) -> AdminCalls:
        """The calls of an admin."""
        return AdminCalls(self)

    def is_serving(self, service: str = "") -> bool:
        """Whether a service (empty for all) is serving now, as ``grpc.health.v1`` says. Needs no key."""
        question = methods.HEALTH_CHECK.question(value=service)
        return self.call(methods.HEALTH_CHECK, question).value == methods.HEALTH_SERVING

    def for_request(self, request_id: str) -> Client:
        """The same client, whose calls carry this request id into the authority's log."""
        return self._with(request_id, self._timeout)

    def with_timeout(self, timeout: float) -> Client:
        """The same client, whose calls may take this many seconds."""
        return self._with(self._request_id, timeout)

    def close(self) -> None:
        """Closes the connection, and forgets what was kept. A later call opens another."""
        keeping = self._keeping.take() if self._keeping else None
        if keeping is not None:
            keeping.close()
        self._transport.close()

    def __enter__(self) -> Client:  # noqa: PYI034
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def call(self, method: Method[Q, A], question: Q) -> A:
        """Sends until there is an answer, a failure that a repeat can't mend, or no time left."""
        attempts = Attempts(method, self._timeout, time.monotonic())
        if self._keeping is None:
            return self._call(method, question, attempts)
        keeping = self._keeping.get()
        outcome: A | GatelodgeError | None = None
        try:
            outcome = answer = self._call(method, keeping.current(question), attempts)
        except GatelodgeError as failure:
            outcome = failure
            raise
        finally:
            keeping.came_back(method, question, outcome, attempts)
        return answer

    def check(self, question: v1.ValidateSessionRequest) -> Checked:
        """As :meth:`SessionCalls.check`."""
        if self._keeping is None:
            return verdict.read(question, self._validate(question))
        return self._keeping.get().check(question, self._timeout, self._validate)

    def stream(self, method: StreamMethod[Q, A], asked: Q | Iterable[Q]) -> Stream[A]:
        """Begins a stream. It has no deadline, and is not made again by itself."""
        return self._transport.stream(method, asked, metadata=metadata_of(self._options, self._request_id))

    def _validate(self, question: v1.ValidateSessionRequest) -> v1.ValidateSessionResponse:
        return self.call(methods.VALIDATE_SESSION, question)

    def _call(self, method: Method[Q, A], question: Q, attempts: Attempts) -> A:
        metadata = metadata_of(self._options, self._request_id)
        while True:
            timeout = attempts.remaining(time.monotonic())
            try:
                return self._transport.send(method, question, timeout=timeout, metadata=metadata)
            except GatelodgeError as failure:
                time.sleep(attempts.wait_after(failure, time.monotonic()))

    def _with(self, request_id: str | None, timeout: float | None) -> Client:
        other = Client.__new__(Client)
        other.__dict__.update(self.__dict__, _request_id=request_id, _timeout=timeout)
        return other


class LoginCalls:
    """Logs people in and out: what an edge asks."""

    def __init__(self, client: Client) -> None:
        self._call = client.call

    def get_edge_settings(self, question: v1.GetEdgeSettingsRequest) -> v1.GetEdgeSettingsResponse:
        """All that an edge has to know beyond address and key."""
        return self._call(methods.GET_EDGE_SETTINGS, question)

    def list_providers(self, question: v1.LoginServiceListProvidersRequest) -> v1.LoginServiceListProvidersResponse:
        """The identity providers that a person can log in with."""
        return self._call(methods.LIST_PROVIDERS, question)

    def start_login(self, question: v1.StartLoginRequest) -> v1.StartLoginResponse:
        """Begins a login. Never repeated: a repeat would begin another."""
        return self._call(methods.START_LOGIN, question)

    def complete_callback(self, question: v1.CompleteCallbackRequest) -> v1.CompleteCallbackResponse:
        """Completes a login. Not repeated here: the browser can do so, and gets the same answer."""
        return self._call(methods.COMPLETE_CALLBACK, question)

    def start_logout(self, question: v1.StartLogoutRequest) -> v1.StartLogoutResponse:
        """Ends the browser's session."""
        return self._call(methods.START_LOGOUT, question)

    def complete_logout(self, question: v1.CompleteLogoutRequest) -> v1.CompleteLogoutResponse:
        """Receives the browser back from the provider's logout."""
        return self._call(methods.COMPLETE_LOGOUT, question)

    def handle_backchannel_logout(
        self, question: v1.HandleBackchannelLogoutRequest
    ) -> v1.HandleBackchannelLogoutResponse:
        """Ends the sessions of which a provider's server says that they have ended there.

        Repeated only while the authority is away: a token that was carried out ends nothing when it comes again.
        """
        return self._call(methods.HANDLE_BACKCHANNEL_LOGOUT, question)

    def handle_frontchannel_logout(
        self, question: v1.HandleFrontchannelLogoutRequest
    ) -> v1.HandleFrontchannelLogoutResponse:
        """Ends the sessions of which a provider's page has the browser say that they have ended there."""
        return self._call(methods.HANDLE_FRONTCHANNEL_LOGOUT, question)


class SessionCalls:
    """Asks about, uses and ends the session that a browser presented."""

    __slots__ = ("_client",)

    def __init__(self, client: Client) -> None:
        self._client = client

    def check(self, question: v1.ValidateSessionRequest) -> Checked:
        """Who is behind a credential, and whether this request may go ahead.

        A yes may come from memory, for as long as the authority allows and says that nothing has happened to the
        session: see :attr:`ClientOptions.keep_answers`.

        Raises:
            GatelodgeError: the authority could not say. Answer 503, and leave the browser's cookies alone.
        """
        return self._client.check(question)

    def validate_session(self, question: v1.ValidateSessionRequest) -> v1.ValidateSessionResponse:
        """As :meth:`check`, always asked and unread: prefer that one, which minds what must not be taken for a yes."""
        return self._client.call(methods.VALIDATE_SESSION, question)

    def refresh_tokens(self, question: v1.RefreshTokensRequest) -> v1.RefreshTokensResponse:
        """Fetches new tokens from the provider with the session's refresh token, now."""
        return self._client.call(methods.REFRESH_TOKENS, question)

    def get_access_token(self, question: v1.GetAccessTokenRequest) -> v1.GetAccessTokenResponse:
        """The session's access token, refreshed first when it lives shorter than asked for.

        Raises:
            InconclusiveError: the authority is too old to know the audience that was asked for.
        """
        return verdict.for_audience(question, self._client.call(methods.GET_ACCESS_TOKEN, question))

    def get_user_info(self, question: v1.GetUserInfoRequest) -> v1.GetUserInfoResponse:
        """Who the session's user is, as it is known, or as the provider says now."""
        return self._client.call(methods.GET_USER_INFO, question)

    def list_user_sessions(self, question: v1.ListUserSessionsRequest) -> v1.ListUserSessionsResponse:
        """The living sessions of the presented session's user, the newest first, a page at a time."""
        return self._client.call(methods.LIST_USER_SESSIONS, question)

    def get_attributes(self, question: v1.GetAttributesRequest) -> v1.GetAttributesResponse:
        """What an application keeps with the session: small values of its own."""
        return self._client.call(methods.GET_ATTRIBUTES, question)

    def update_attributes(self, question: v1.UpdateAttributesRequest) -> v1.UpdateAttributesResponse:
        """Changes what an application keeps with the session.

        Raises:
            VersionConflictError: somebody has changed it since it was read. Read it again, and decide again.
        """
        return self._client.call(methods.UPDATE_ATTRIBUTES, question)

    def revoke(self, question: v1.SessionServiceRevokeRequest) -> v1.SessionServiceRevokeResponse:
        """Ends the presented session, one other of the same user, or all others."""
        return self._client.call(methods.REVOKE_SESSION, question)

    def watch_sessions(self, question: v1.WatchSessionsRequest) -> Stream[v1.WatchSessionsResponse]:
        """What happens to sessions from now on, or from a position on: for whoever holds something open for one.

        It is not made again by itself: call again with the last position. :meth:`check` watches by itself.
        """
        return self._client.stream(methods.WATCH_SESSIONS, question)

    def check_sessions(self, questions: Iterable[v1.CheckSessionsRequest]) -> Stream[v1.CheckSessionsResponse]:
        """Many questions on one stream, unread, each answered under its own id: for whoever has very many to ask."""
        return self._client.stream(methods.CHECK_SESSIONS, questions)


class TokenCalls:
    """Checks bearer tokens, and mints tokens of the authority's own."""

    def __init__(self, client: Client) -> None:
        self._call = client.call

    def check(self, question: v1.ValidateTokenRequest) -> TokenVerdict:
        """Whose a bearer token is, and whether this request may go ahead.

        Raises:
            GatelodgeError: the authority could not say. Answer 503.
        """
        return verdict.read_token(question, self.validate_token(question))

    def validate_token(self, question: v1.ValidateTokenRequest) -> v1.ValidateTokenResponse:
        """As :meth:`check`, with the answer unread: prefer that one, which minds what must not be taken for a yes."""
        return self._call(methods.VALIDATE_TOKEN, question)

    def mint_token(self, question: v1.MintTokenRequest) -> v1.MintTokenResponse:
        """A small signed token from the session that a browser presented."""
        return self._call(methods.MINT_TOKEN, question)

    def get_jwks(self, question: v1.GetJwksRequest) -> v1.GetJwksResponse:
        """The public keys that check tokens of :meth:`mint_token`."""
        return self._call(methods.GET_JWKS, question)


class AdminCalls:
    """Sees and ends sessions from outside the browser."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._call = client.call

    def list_sessions(self, question: v1.ListSessionsRequest) -> v1.ListSessionsResponse:
        """Living sessions, a page at a time: go on with ``next_page_token`` until it is empty.

        Raises:
            InconclusiveError: the authority is too old to know the filter that was asked for, and has listed too much.
        """
        return verdict.by_filter(question, self._call(methods.LIST_SESSIONS, question))

    def get_session(self, question: v1.GetSessionRequest) -> v1.GetSessionResponse:
        """One living session. One that is not there is a :class:`SessionNotFoundError`."""
        return self._call(methods.GET_SESSION, question)

    def revoke(self, question: v1.AdminServiceRevokeRequest) -> v1.AdminServiceRevokeResponse:
        """Ends one session, or all of a user, a provider, a tenant or everything. When it answers, they are dead."""
        return self._call(methods.REVOKE_AS_ADMIN, question)

    def preview_revoke(self, question: v1.PreviewRevokeRequest) -> v1.PreviewRevokeResponse:
        """How many sessions :meth:`revoke` would end, ending none."""
        return self._call(methods.PREVIEW_REVOKE, question)

    def get_user(self, question: v1.GetUserRequest) -> v1.GetUserResponse:
        """One user. One that is not there is a :class:`UserNotFoundError`."""
        return self._call(methods.GET_USER, question)

    def list_users(self, question: v1.ListUsersRequest) -> v1.ListUsersResponse:
        """Users, a page at a time: go on with ``next_page_token`` until it is empty."""
        return self._call(methods.LIST_USERS, question)

    def disable_user(self, question: v1.DisableUserRequest) -> v1.DisableUserResponse:
        """Ends every session of a user, and lets them log in no more."""
        return self._call(methods.DISABLE_USER, question)

    def enable_user(self, question: v1.EnableUserRequest) -> v1.EnableUserResponse:
        """Lets a disabled user log in again."""
        return self._call(methods.ENABLE_USER, question)

    def delete_user(self, question: v1.DeleteUserRequest) -> v1.DeleteUserResponse:
        """Deletes a user, with every session of theirs."""
        return self._call(methods.DELETE_USER, question)

    def create_caller_key(self, question: v1.CreateCallerKeyRequest) -> v1.CreateCallerKeyResponse:
        """Makes an API key for a caller, which is told this once."""
        return self._call(methods.CREATE_CALLER_KEY, question)

    def list_caller_keys(self, question: v1.ListCallerKeysRequest) -> v1.ListCallerKeysResponse:
        """The API keys that were made at run time and have not ended."""
        return self._call(methods.LIST_CALLER_KEYS, question)

    def revoke_caller_key(self, question: v1.RevokeCallerKeyRequest) -> v1.RevokeCallerKeyResponse:
        """Revokes an API key that was made at run time. When it answers, every replica refuses the key."""
        return self._call(methods.REVOKE_CALLER_KEY, question)

    def list_audit(self, question: v1.ListAuditRequest) -> v1.ListAuditResponse:
        """What was written down, the newest first, a page at a time, until ``next_page_token`` is empty."""
        return self._call(methods.LIST_AUDIT, question)

    def watch_audit(self, question: v1.WatchAuditRequest) -> Stream[v1.WatchAuditResponse]:
        """What is written down from now on. It is not made again by itself."""
        return self._client.stream(methods.WATCH_AUDIT, question)

    def explain_login(self, question: v1.ExplainLoginRequest) -> v1.ExplainLoginResponse:
        """What became of a login, by the id of one of its requests.

        Raises:
            RequestUnknownError: nothing is kept of this request.
        """
        return self._call(methods.EXPLAIN_LOGIN, question)


def metadata_of(options: ClientOptions | None, request_id: str | None) -> Metadata:
    """What goes with a call."""
    metadata: Metadata = ()
    if options is not None and options.api_key is not None:
        metadata += (("authorization", Hidden(f"Bearer {options.api_key}")),)
    if options is not None and options.tenant is not None:
        metadata += (("x-tenant-id", options.tenant),)
    if request_id is not None:
        metadata += (("x-request-id", request_id),)
    return metadata
