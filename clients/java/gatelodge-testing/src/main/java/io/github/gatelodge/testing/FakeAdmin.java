package io.github.gatelodge.testing;

import com.google.protobuf.Timestamp;
import io.github.gatelodge.error.InvalidFieldException;
import io.github.gatelodge.error.SessionNotFoundException;
import io.github.gatelodge.v1.AdminServiceGrpc.AdminServiceImplBase;
import io.github.gatelodge.v1.AdminServiceRevokeRequest;
import io.github.gatelodge.v1.AdminServiceRevokeResponse;
import io.github.gatelodge.v1.GetSessionRequest;
import io.github.gatelodge.v1.GetSessionResponse;
import io.github.gatelodge.v1.ListSessionsRequest;
import io.github.gatelodge.v1.ListSessionsResponse;
import io.github.gatelodge.v1.PreviewRevokeRequest;
import io.github.gatelodge.v1.PreviewRevokeResponse;
import io.github.gatelodge.v1.Session;
import io.github.gatelodge.v1.SessionFilter;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** What the fake lets an admin do. */
final class FakeAdmin extends AdminServiceImplBase {
    private final State state;

    FakeAdmin(State state) {
        this.state = state;
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

    /** No session here belongs to one of a provider's own. */
    private static boolean isListed(ListSessionsRequest asked, Living one) {
        Instant begun = instant(one.info.getCreateTime());
        return (asked.getUserId().isEmpty() || asked.getUserId().equals(one.person.userId()))
                && (asked.getProvider().isEmpty() || asked.getProvider().equals(one.person.provider()))
                && asked.getProviderSessionId().isEmpty()
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
            List<Living> ended = targets(
                    asked.getTargetCase().getNumber(), asked.getSessionId(), asked.getUserId(), asked.getProvider());
            ended.forEach(state::end);
            boolean isCounted = asked.hasSessionId() || asked.hasUserId();
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
        synchronized (state) {
            int count = targets(
                            asked.getTargetCase().getNumber(),
                            asked.getSessionId(),
                            asked.getUserId(),
                            asked.getProvider())
                    .size();
            Reply.to(
                    to,
                    PreviewRevokeResponse.newBuilder()
                            .setCount(count)
                            .setExact(true)
                            .build());
        }
    }

    /** The living sessions of a target, which has the same numbers in both questions. */
    private List<Living> targets(int target, String sessionId, String userId, String provider) {
        return state.living().stream()
                .filter(one -> switch (target) {
                    case AdminServiceRevokeRequest.SESSION_ID_FIELD_NUMBER -> sessionId.equals(one.info.getSessionId());
                    case AdminServiceRevokeRequest.USER_ID_FIELD_NUMBER -> userId.equals(one.person.userId());
                    case AdminServiceRevokeRequest.PROVIDER_FIELD_NUMBER -> provider.equals(one.person.provider());
                    default -> true;
                })
                .toList();
    }

    private static Session shown(Living one) {
        return Session.newBuilder().setIdentity(one.identity).setInfo(one.info).build();
    }
}
