package io.github.gatelodge.testing;

import com.google.protobuf.Timestamp;
import io.github.gatelodge.error.AuditOffException;
import io.github.gatelodge.error.InvalidFieldException;
import io.github.gatelodge.error.SessionNotFoundException;
import io.github.gatelodge.error.UserNotFoundException;
import io.github.gatelodge.v1.AdminServiceGrpc.AdminServiceImplBase;
import io.github.gatelodge.v1.AdminServiceRevokeRequest;
import io.github.gatelodge.v1.AdminServiceRevokeResponse;
import io.github.gatelodge.v1.CallerKey;
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
import io.github.gatelodge.v1.ProviderSession;
import io.github.gatelodge.v1.RevokeCallerKeyRequest;
import io.github.gatelodge.v1.RevokeCallerKeyResponse;
import io.github.gatelodge.v1.Session;
import io.github.gatelodge.v1.SessionFilter;
import io.github.gatelodge.v1.User;
import io.github.gatelodge.v1.UserState;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;

/** What the fake lets an admin do. */
final class FakeAdmin extends AdminServiceImplBase {
    private final Map<String, CallerKey> callerKeys = new TreeMap<>();
    private final State state;
    private final FakeUsers users;

    FakeAdmin(State state) {
        this.state = state;
        this.users = new FakeUsers(state);
    }

    /** Lists all on one page. */
    @Override
    public void listSessions(ListSessionsRequest asked, StreamObserver<ListSessionsResponse> to) {
        synchronized (state) {
            List<Session> sessions = state.living().stream()
                    .filter(one -> isListed(asked, one))
                    .map(FakeAdmin::shown)
                    .toList();
            SessionFilter.Builder filter = SessionFilter.newBuilder()
                    .setUserId(asked.getUserId())
                    .setProvider(asked.getProvider())
                    .setProviderSessionId(asked.getProviderSessionId());
            if (asked.hasCreatedAfter()) {
                filter.setCreatedAfter(asked.getCreatedAfter());
            }
            if (asked.hasCreatedBefore()) {
                filter.setCreatedBefore(asked.getCreatedBefore());
            }
            Reply.to(
                    to,
                    ListSessionsResponse.newBuilder()
                            .addAllSessions(sessions)
                            .setAppliedFilter(filter)
                            .build());
        }
    }

    private static boolean isListed(ListSessionsRequest asked, Living one) {
        Instant begun = instant(one.info.getCreateTime());
        return (asked.getUserId().isEmpty() || asked.getUserId().equals(one.person.userId()))
                && (asked.getProvider().isEmpty() || asked.getProvider().equals(one.person.provider()))
                && (asked.getProviderSessionId().isEmpty()
                        || asked.getProviderSessionId().equals(one.person.providerSession()))
                && !(asked.hasCreatedAfter() && begun.isBefore(instant(asked.getCreatedAfter())))
                && !(asked.hasCreatedBefore() && !begun.isBefore(instant(asked.getCreatedBefore())));
    }

    private static Instant instant(Timestamp time) {
        return Instant.ofEpochSecond(time.getSeconds(), time.getNanos());
    }

    @Override
    public void getSession(GetSessionRequest asked, StreamObserver<GetSessionResponse> to) {
        synchronized (state) {
            Optional<Session> session = state.living().stream()
                    .filter(one -> asked.getSessionId().equals(one.info.getSessionId()))
                    .map(FakeAdmin::shown)
                    .findFirst();
            if (session.isPresent()) {
                Reply.to(
                        to,
                        GetSessionResponse.newBuilder()
                                .setSession(session.get())
                                .build());
            } else {
                Reply.failure(
                        to,
                        Entrance.failure(
                                Status.Code.NOT_FOUND,
                                SessionNotFoundException.REASON,
                                "No living session has this id."));
            }
        }
    }

    @Override
    public void revoke(AdminServiceRevokeRequest asked, StreamObserver<AdminServiceRevokeResponse> to) {
        if (asked.getTargetCase() == AdminServiceRevokeRequest.TargetCase.TARGET_NOT_SET) {
            Reply.failure(
                    to,
                    Entrance.failure(Status.Code.INVALID_ARGUMENT, InvalidFieldException.REASON, "target is required"));
            return;
        }
        synchronized (state) {
            List<Living> ended = targets(asked);
            ended.forEach(state::end);
            boolean isCounted = asked.hasSessionId() || asked.hasUserId() || asked.hasProviderSession();
            Reply.to(
                    to,
                    AdminServiceRevokeResponse.newBuilder()
                            .setRevokedCount(isCounted ? ended.size() : 0)
                            .setEventPosition(state.events.position())
                            .build());
        }
    }

    @Override
    public void previewRevoke(PreviewRevokeRequest asked, StreamObserver<PreviewRevokeResponse> to) {
        if (asked.getTargetCase() == PreviewRevokeRequest.TargetCase.TARGET_NOT_SET) {
            Reply.failure(
                    to,
                    Entrance.failure(Status.Code.INVALID_ARGUMENT, InvalidFieldException.REASON, "target is required"));
            return;
        }
        AdminServiceRevokeRequest meant = asIfToEnd(asked);
        synchronized (state) {
            int count = targets(meant).size();
            Reply.to(
                    to,
                    PreviewRevokeResponse.newBuilder()
                            .setCount(count)
                            .setExact(true)
                            .build());
        }
    }

    private static AdminServiceRevokeRequest asIfToEnd(PreviewRevokeRequest asked) {
        AdminServiceRevokeRequest.Builder meant = AdminServiceRevokeRequest.newBuilder();
        switch (asked.getTargetCase()) {
            case SESSION_ID -> meant.setSessionId(asked.getSessionId());
            case USER_ID -> meant.setUserId(asked.getUserId());
            case PROVIDER_SESSION -> meant.setProviderSession(asked.getProviderSession());
            case PROVIDER -> meant.setProvider(asked.getProvider());
            case TENANT -> meant.setTenant(asked.getTenant());
            case EVERYTHING -> meant.setEverything(asked.getEverything());
            case TARGET_NOT_SET -> {}
        }
        return meant.build();
    }

    /** The living sessions of a target. */
    private List<Living> targets(AdminServiceRevokeRequest asked) {
        ProviderSession own = asked.getProviderSession();
        return state.living().stream()
                .filter(one -> switch (asked.getTargetCase()) {
                    case SESSION_ID -> asked.getSessionId().equals(one.info.getSessionId());
                    case USER_ID -> asked.getUserId().equals(one.person.userId());
                    case PROVIDER_SESSION ->
                        own.getProvider().equals(one.person.provider())
                                && own.getProviderSessionId().equals(one.person.providerSession());
                    case PROVIDER -> asked.getProvider().equals(one.person.provider());
                    case TENANT, EVERYTHING -> true;
                    case TARGET_NOT_SET -> false;
                })
                .toList();
    }

    @Override
    public void getUser(GetUserRequest asked, StreamObserver<GetUserResponse> to) {
        about(asked.getUserId(), to, user -> GetUserResponse.newBuilder()
                .setUser(user)
                .build());
    }

    /** Lists all on one page. */
    @Override
    public void listUsers(ListUsersRequest asked, StreamObserver<ListUsersResponse> to) {
        synchronized (state) {
            Reply.to(to, ListUsersResponse.newBuilder().addAllUsers(users.all()).build());
        }
    }

    @Override
    public void disableUser(DisableUserRequest asked, StreamObserver<DisableUserResponse> to) {
        about(asked.getUserId(), to, user -> DisableUserResponse.newBuilder()
                .setRevokedCount(ended(user, UserState.USER_STATE_DISABLED))
                .setEventPosition(state.events.position())
                .build());
    }

    @Override
    public void enableUser(EnableUserRequest asked, StreamObserver<EnableUserResponse> to) {
        about(asked.getUserId(), to, user -> {
            users.become(user.getUserId(), UserState.USER_STATE_ACTIVE);
            return EnableUserResponse.getDefaultInstance();
        });
    }

    @Override
    public void deleteUser(DeleteUserRequest asked, StreamObserver<DeleteUserResponse> to) {
        about(asked.getUserId(), to, user -> DeleteUserResponse.newBuilder()
                .setRevokedCount(ended(user, UserState.USER_STATE_DELETED))
                .setEventPosition(state.events.position())
                .build());
    }

    @Override
    public void createCallerKey(CreateCallerKeyRequest asked, StreamObserver<CreateCallerKeyResponse> to) {
        var key = CallerKey.newBuilder()
                .setKeyId("key_" + asked.getName())
                .setName(asked.getName())
                .setCaller("default/" + asked.getName())
                .setRole(asked.getRole())
                .addAllRpcs(asked.getRpcsList())
                .addAllTenants(asked.getTenantsList())
                .build();
        synchronized (state) {
            callerKeys.put(key.getKeyId(), key);
        }
        Reply.to(
                to,
                CreateCallerKeyResponse.newBuilder()
                        .setKey(key)
                        .setApiKey("glk_" + asked.getName())
                        .build());
    }

    @Override
    public void listCallerKeys(ListCallerKeysRequest asked, StreamObserver<ListCallerKeysResponse> to) {
        synchronized (state) {
            Reply.to(
                    to,
                    ListCallerKeysResponse.newBuilder()
                            .addAllKeys(callerKeys.values())
                            .build());
        }
    }

    @Override
    public void revokeCallerKey(RevokeCallerKeyRequest asked, StreamObserver<RevokeCallerKeyResponse> to) {
        synchronized (state) {
            boolean revoked = callerKeys.remove(asked.getKeyId()) != null;
            Reply.to(
                    to, RevokeCallerKeyResponse.newBuilder().setRevoked(revoked).build());
        }
    }

    // The fake writes nothing down.
    @Override
    public void listAudit(ListAuditRequest asked, StreamObserver<ListAuditResponse> to) {
        auditIsOff(to);
    }

    @Override
    public void explainLogin(ExplainLoginRequest asked, StreamObserver<ExplainLoginResponse> to) {
        auditIsOff(to);
    }

    private static void auditIsOff(StreamObserver<?> to) {
        Reply.failure(
                to,
                Entrance.failure(
                        Status.Code.FAILED_PRECONDITION,
                        AuditOffException.REASON,
                        "This authority keeps no audit entries."));
    }

    private <A> void about(String userId, StreamObserver<A> to, Function<User, A> answer) {
        synchronized (state) {
            Optional<User> user = users.find(userId);
            if (user.isPresent()) {
                Reply.to(to, answer.apply(user.get()));
            } else {
                Reply.failure(
                        to,
                        Entrance.failure(Status.Code.NOT_FOUND, UserNotFoundException.REASON, "No user has this id."));
            }
        }
    }

    private int ended(User user, UserState now) {
        users.become(user.getUserId(), now);
        return state.endAll(who -> who.userId().equals(user.getUserId()));
    }

    private static Session shown(Living one) {
        return Session.newBuilder().setIdentity(one.identity).setInfo(one.info).build();
    }
}
