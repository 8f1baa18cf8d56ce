package io.github.gatelodge;

import io.github.gatelodge.error.InconclusiveException;
import io.github.gatelodge.v1.GetAccessTokenRequest;
import io.github.gatelodge.v1.GetAccessTokenResponse;
import io.github.gatelodge.v1.GetAttributesRequest;
import io.github.gatelodge.v1.GetAttributesResponse;
import io.github.gatelodge.v1.GetUserInfoRequest;
import io.github.gatelodge.v1.GetUserInfoResponse;
import io.github.gatelodge.v1.ListUserSessionsRequest;
import io.github.gatelodge.v1.ListUserSessionsResponse;
import io.github.gatelodge.v1.RefreshTokensRequest;
import io.github.gatelodge.v1.RefreshTokensResponse;
import io.github.gatelodge.v1.SessionServiceGrpc;
import io.github.gatelodge.v1.SessionServiceRevokeRequest;
import io.github.gatelodge.v1.SessionServiceRevokeResponse;
import io.github.gatelodge.v1.UpdateAttributesRequest;
import io.github.gatelodge.v1.UpdateAttributesResponse;
import io.github.gatelodge.v1.ValidateSessionRequest;
import io.github.gatelodge.v1.ValidateSessionResponse;
import io.github.gatelodge.v1.WatchSessionsRequest;
import java.util.List;

/** Asks about, uses and ends the session that a browser presented. */
public final class SessionCalls {
    private final Caller caller;

    SessionCalls(Caller caller) {
        this.caller = caller;
    }

    /**
     * Who is behind a credential, and whether this request may go ahead.
     *
     * @throws io.github.gatelodge.error.GatelodgeException the authority could not say: answer 503, and leave the
     *     browser's cookies alone
     */
    public Verdict check(ValidateSessionRequest question) {
        return caller.check(question);
    }

    /**
     * As {@link #check}, with the answer unread: prefer that one, which minds what must not be taken for a yes. Where
     * eight or more are asked at the same moment, they share a stream: see {@link ClientOptions#withCheckStream}.
     */
    public ValidateSessionResponse validateSession(ValidateSessionRequest question) {
        return caller.validate(question);
    }

    /**
     * A stream for many questions of one program. {@link #check} and {@link #validateSession} share one by themselves
     * where it pays; this is for a program that asks very many, and reads the answers itself.
     */
    public SessionChecks checkSessions() {
        return caller.checks();
    }

    /** Fetches new tokens from the provider with the session's refresh token, now. */
    public RefreshTokensResponse refreshTokens(RefreshTokensRequest question) {
        return caller.changing(
                SessionServiceGrpc.getRefreshTokensMethod(), Manner.SAFE_SLOW, question, question.getCookiesList());
    }

    /**
     * The session's access token, refreshed first when it lives shorter than asked for.
     *
     * @throws InconclusiveException the authority is too old to know audiences, and gave a token for another one
     */
    public GetAccessTokenResponse getAccessToken(GetAccessTokenRequest question) {
        GetAccessTokenResponse answer =
                caller.call(SessionServiceGrpc.getGetAccessTokenMethod(), Manner.SAFE_SLOW, question);
        if (answer.hasAccessToken() && !answer.getAccessToken().getAudience().equals(question.getAudience())) {
            throw new InconclusiveException(
                    "the token is not for the audience that was asked for: the authority is older than this client");
        }
        return answer;
    }

    /** Who the session's user is, as it is known, or as the provider says now. */
    public GetUserInfoResponse getUserInfo(GetUserInfoRequest question) {
        return caller.changing(
                SessionServiceGrpc.getGetUserInfoMethod(),
                Manner.SAFE_SLOW,
                question,
                question.getRefresh() ? question.getCookiesList() : List.of());
    }

    /** Ends the presented session, or others of its user. */
    public SessionServiceRevokeResponse revoke(SessionServiceRevokeRequest question) {
        return caller.ending(
                SessionServiceGrpc.getRevokeMethod(),
                Manner.ENDING,
                question,
                question.getCookiesList(),
                (kept, answer) -> {
                    if (answer.getRevokedCount() == 0 || question.hasPresentedSession()) {
                        return; // nobody else's has ended
                    }
                    if (question.hasSessionId()) {
                        kept.forgetSession(question.getSessionId());
                    } else {
                        kept.forgetAll();
                    }
                });
    }

    /**
     * What happens to the tenant's sessions, from now on or from a position on. The stream begins with the first
     * reading.
     */
    public SessionWatch watchSessions(WatchSessionsRequest question) {
        return caller.watch(SessionServiceGrpc.getWatchSessionsMethod(), question, SessionWatch::new);
    }

    /** The sessions of the user behind a credential, a page at a time. */
    public ListUserSessionsResponse listUserSessions(ListUserSessionsRequest question) {
        return caller.call(SessionServiceGrpc.getListUserSessionsMethod(), Manner.SAFE, question);
    }

    /** The attributes that the application keeps with the session, and their version. */
    public GetAttributesResponse getAttributes(GetAttributesRequest question) {
        return caller.call(SessionServiceGrpc.getGetAttributesMethod(), Manner.SAFE, question);
    }

    /**
     * Changes them. One that is too late is a {@link io.github.gatelodge.error.VersionConflictException}. It is not
     * repeated by itself: read again, and decide again.
     */
    public UpdateAttributesResponse updateAttributes(UpdateAttributesRequest question) {
        return caller.changing(
                SessionServiceGrpc.getUpdateAttributesMethod(), Manner.ONCE, question, question.getCookiesList());
    }
}
