package io.github.gatelodge;

import io.github.gatelodge.error.InconclusiveException;
import io.github.gatelodge.v1.AdminServiceGrpc;
import io.github.gatelodge.v1.AdminServiceRevokeRequest;
import io.github.gatelodge.v1.AdminServiceRevokeResponse;
import io.github.gatelodge.v1.CreateCallerKeyRequest;
import io.github.gatelodge.v1.CreateCallerKeyResponse;
import io.github.gatelodge.v1.DeleteUserRequest;
import io.github.gatelodge.v1.DeleteUserResponse;
import io.github.gatelodge.v1.DisableUserRequest;
import io.github.gatelodge.v1.DisableUserResponse;
import io.github.gatelodge.v1.EnableUserRequest;
import io.github.gatelodge.v1.EnableUserResponse;
import io.github.gatelodge.v1.ExplainLoginRequest;
import io.github.gatelodge.v1.ExplainLoginResponse;
import io.github.gatelodge.v1.GetSessionRequest;
import io.github.gatelodge.v1.GetSessionResponse;
import io.github.gatelodge.v1.GetUserRequest;
import io.github.gatelodge.v1.GetUserResponse;
import io.github.gatelodge.v1.ListAuditRequest;
import io.github.gatelodge.v1.ListAuditResponse;
import io.github.gatelodge.v1.ListCallerKeysRequest;
import io.github.gatelodge.v1.ListCallerKeysResponse;
import io.github.gatelodge.v1.ListSessionsRequest;
import io.github.gatelodge.v1.ListSessionsResponse;
import io.github.gatelodge.v1.ListUsersRequest;
import io.github.gatelodge.v1.ListUsersResponse;
import io.github.gatelodge.v1.PreviewRevokeRequest;
import io.github.gatelodge.v1.PreviewRevokeResponse;
import io.github.gatelodge.v1.RevokeCallerKeyRequest;
import io.github.gatelodge.v1.RevokeCallerKeyResponse;
import io.github.gatelodge.v1.SessionFilter;
import io.github.gatelodge.v1.WatchAuditRequest;

/** Sees and ends sessions from outside the browser. */
public final class AdminCalls {
    private final Caller caller;

    AdminCalls(Caller caller) {
        this.caller = caller;
    }

    /**
     * Living sessions, a page at a time: go on with {@code next_page_token} until it is empty.
     *
     * @throws InconclusiveException the authority is too old to know the filter, and listed too much
     */
    public ListSessionsResponse listSessions(ListSessionsRequest question) {
        ListSessionsResponse answer = caller.call(AdminServiceGrpc.getListSessionsMethod(), Manner.SAFE, question);
        SessionFilter asked = filter(question);
        // The filter by user is older than the answer's word for it.
        boolean isNew = !asked.toBuilder().clearUserId().build().equals(SessionFilter.getDefaultInstance());
        if (isNew && !asked.equals(answer.getAppliedFilter())) {
            throw new InconclusiveException(
                    "the authority did not apply the filter that was asked for: it is older than this client");
        }
        return answer;
    }

    private static SessionFilter filter(ListSessionsRequest question) {
        SessionFilter.Builder filter = SessionFilter.newBuilder()
                .setUserId(question.getUserId())
                .setProvider(question.getProvider())
                .setProviderSessionId(question.getProviderSessionId());
        if (question.hasCreatedAfter()) {
            filter.setCreatedAfter(question.getCreatedAfter());
        }
        if (question.hasCreatedBefore()) {
            filter.setCreatedBefore(question.getCreatedBefore());
        }
        return filter.build();
    }

    /** One living session. One that is not there is a {@link io.github.gatelodge.error.SessionNotFoundException}. */
    public GetSessionResponse getSession(GetSessionRequest question) {
        return caller.call(AdminServiceGrpc.getGetSessionMethod(), Manner.SAFE, question);
    }

    /** Ends one session, or all of a user. When it answers, they are dead. */
    public AdminServiceRevokeResponse revoke(AdminServiceRevokeRequest question) {
        return caller.endingAny(AdminServiceGrpc.getRevokeMethod(), Manner.ENDING, question);
    }

    /** How many living sessions a {@link #revoke} of the same target would end. Ends none. */
    public PreviewRevokeResponse previewRevoke(PreviewRevokeRequest question) {
        return caller.call(AdminServiceGrpc.getPreviewRevokeMethod(), Manner.SAFE, question);
    }

    /** One user. One who is not known is a {@link io.github.gatelodge.error.UserNotFoundException}. */
    public GetUserResponse getUser(GetUserRequest question) {
        return caller.call(AdminServiceGrpc.getGetUserMethod(), Manner.SAFE, question);
    }

    /** Users, a page at a time: go on with {@code next_page_token} until it is empty. */
    public ListUsersResponse listUsers(ListUsersRequest question) {
        return caller.call(AdminServiceGrpc.getListUsersMethod(), Manner.SAFE, question);
    }

    /** Lets a user in no more, and ends all their sessions. */
    public DisableUserResponse disableUser(DisableUserRequest question) {
        return caller.endingAny(AdminServiceGrpc.getDisableUserMethod(), Manner.ENDING, question);
    }

    /** Lets a user in again. */
    public EnableUserResponse enableUser(EnableUserRequest question) {
        return caller.call(AdminServiceGrpc.getEnableUserMethod(), Manner.SAFE, question);
    }

    /** Forgets a user, and ends all their sessions. */
    public DeleteUserResponse deleteUser(DeleteUserRequest question) {
        return caller.endingAny(AdminServiceGrpc.getDeleteUserMethod(), Manner.ENDING, question);
    }

    /** Makes an API key for a caller, which is told this once. */
    public CreateCallerKeyResponse createCallerKey(CreateCallerKeyRequest question) {
        return caller.call(AdminServiceGrpc.getCreateCallerKeyMethod(), Manner.ONCE, question);
    }

    /** The API keys that were made at run time and have not ended. */
    public ListCallerKeysResponse listCallerKeys(ListCallerKeysRequest question) {
        return caller.call(AdminServiceGrpc.getListCallerKeysMethod(), Manner.SAFE, question);
    }

    /** Revokes an API key that was made at run time. When it answers, every replica refuses the key. */
    public RevokeCallerKeyResponse revokeCallerKey(RevokeCallerKeyRequest question) {
        return caller.call(AdminServiceGrpc.getRevokeCallerKeyMethod(), Manner.ENDING, question);
    }

    /**
     * What was written down, the newest first, a page at a time: go on with {@code next_page_token} until it is empty.
     */
    public ListAuditResponse listAudit(ListAuditRequest question) {
        return caller.call(AdminServiceGrpc.getListAuditMethod(), Manner.SAFE, question);
    }

    /** What is written down from now on. The stream begins with the first reading. */
    public AuditWatch watchAudit(WatchAuditRequest question) {
        return caller.watch(AdminServiceGrpc.getWatchAuditMethod(), question, AuditWatch::new);
    }

    /** What became of a login, by the id of one of its requests. */
    public ExplainLoginResponse explainLogin(ExplainLoginRequest question) {
        return caller.call(AdminServiceGrpc.getExplainLoginMethod(), Manner.SAFE, question);
    }
}
