package io.github.gatelodge.testing;

import io.github.gatelodge.error.ContextRequiredException;
import io.github.gatelodge.error.InvalidFieldException;
import io.github.gatelodge.error.VersionConflictException;
import io.github.gatelodge.testing.Judge.Judgement;
import io.github.gatelodge.testing.State.Found;
import io.github.gatelodge.v1.AccessToken;
import io.github.gatelodge.v1.ActiveSession;
import io.github.gatelodge.v1.Attributes;
import io.github.gatelodge.v1.CheckSessionsRequest;
import io.github.gatelodge.v1.CheckSessionsResponse;
import io.github.gatelodge.v1.Cookie;
import io.github.gatelodge.v1.CsrfRequirement;
import io.github.gatelodge.v1.DeniedSession;
import io.github.gatelodge.v1.GetAccessTokenRequest;
import io.github.gatelodge.v1.GetAccessTokenResponse;
import io.github.gatelodge.v1.GetAttributesRequest;
import io.github.gatelodge.v1.GetAttributesResponse;
import io.github.gatelodge.v1.GetUserInfoRequest;
import io.github.gatelodge.v1.GetUserInfoResponse;
import io.github.gatelodge.v1.HttpAnswer;
import io.github.gatelodge.v1.Identity;
import io.github.gatelodge.v1.InactiveReason;
import io.github.gatelodge.v1.InactiveSession;
import io.github.gatelodge.v1.ListUserSessionsRequest;
import io.github.gatelodge.v1.ListUserSessionsResponse;
import io.github.gatelodge.v1.RefreshTokensRequest;
import io.github.gatelodge.v1.RefreshTokensResponse;
import io.github.gatelodge.v1.RefreshedTokens;
import io.github.gatelodge.v1.RequestContext;
import io.github.gatelodge.v1.SessionInfo;
import io.github.gatelodge.v1.SessionServiceGrpc.SessionServiceImplBase;
import io.github.gatelodge.v1.SessionServiceRevokeRequest;
import io.github.gatelodge.v1.SessionServiceRevokeResponse;
import io.github.gatelodge.v1.UpdateAttributesRequest;
import io.github.gatelodge.v1.UpdateAttributesResponse;
import io.github.gatelodge.v1.UserInfo;
import io.github.gatelodge.v1.UserSession;
import io.github.gatelodge.v1.ValidateSessionRequest;
import io.github.gatelodge.v1.ValidateSessionResponse;
import io.github.gatelodge.v1.WatchSessionsRequest;
import io.github.gatelodge.v1.WatchSessionsResponse;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/** What the fake says of presented sessions. */
final class FakeSessions extends SessionServiceImplBase {
    private static final Duration KEEP_FOR = Duration.ofSeconds(5);

    private final State state;
    private final Entrance entrance;

    FakeSessions(State state, Entrance entrance) {
        this.state = state;
        this.entrance = entrance;
    }

    @Override
    public void validateSession(ValidateSessionRequest asked, StreamObserver<ValidateSessionResponse> to) {
        boolean isRequired = asked.getRequirements().getCsrf() == CsrfRequirement.CSRF_REQUIREMENT_REQUIRED;
        if (isRequired && !asked.hasContext()) {
            Reply.failure(
                    to,
                    Entrance.failure(
                            Status.Code.INVALID_ARGUMENT,
                            ContextRequiredException.REASON,
                            "CSRF can't be judged without a context."));
            return;
        }
        synchronized (state) {
            ValidateSessionResponse.Builder said =
                    ValidateSessionResponse.newBuilder().setSettingsVersion(state.settings.getVersion());
            Found found = state.presented(asked.getCookiesList());
            Living living = found.living();
            if (living == null) {
                Reply.to(
                        to,
                        said.setInactive(Denials.inactive(found.reason(), asked))
                                .build());
                return;
            }
            Judgement judgement =
                    Judge.judge(state, living, asked.getRequirements(), asked.hasContext(), asked.getContext());
            if (judgement.isDenied()) {
                said.setDenied(Denials.denied(state, living, judgement.denied(), asked));
            } else {
                said.setActive(active(living, judgement, asked));
            }
            Reply.to(to, said.build());
        }
    }

    private ActiveSession active(Living living, Judgement judgement, ValidateSessionRequest asked) {
        List<String> cookies = renewed(living, asked);
        boolean isIssued = asked.getIssueCsrfToken() || !cookies.isEmpty();
        ActiveSession.Builder active = ActiveSession.newBuilder()
                .setIdentity(living.identity)
                .setSession(living.info)
                .setJudged(judgement.judged())
                .addAllSetCookies(cookies)
                .setCsrfToken(isIssued ? living.person.csrfToken() : "");
        Duration keepFor = keepFor(living, asked);
        if (!isIssued && !keepFor.isNegative() && !keepFor.isZero()) {
            active.setEventPosition(state.events.position())
                    .getKeepForBuilder()
                    .setSeconds(keepFor.getSeconds())
                    .setNanos(keepFor.getNano());
        }
        return active.build();
    }

    /** No longer than the login is young enough. */
    private static Duration keepFor(Living living, ValidateSessionRequest asked) {
        if (!asked.getRequirements().hasMaxLoginAge()) {
            return KEEP_FOR;
        }
        Duration age = Duration.between(living.person.loginTime(), Instant.now());
        long allowed = asked.getRequirements().getMaxLoginAge().getSeconds();
        Duration left = Duration.ofSeconds(allowed).minus(age);
        return left.compareTo(KEEP_FOR) < 0 ? left : KEEP_FOR;
    }

    /** The Set-Cookie value of a session that has a newer credential than those presented. */
    private List<String> renewed(Living living, ValidateSessionRequest asked) {
        String newer = living.person.renewedCookie();
        boolean isKnown = asked.getCookiesList().stream()
                .anyMatch(cookie -> cookie.getValue().toStringUtf8().equals(newer));
        if (newer.isEmpty() || isKnown || !asked.getCanSetCookies()) {
            return List.of();
        }
        return List.of(Finished.cookie(state.settings, state.settings.getSessionCookieNames(0), newer, 86_400));
    }

    /** Brings new tokens of which nothing is known. */
    @Override
    public void refreshTokens(RefreshTokensRequest asked, StreamObserver<RefreshTokensResponse> to) {
        synchronized (state) {
            ValidateSessionRequest question = question(asked.getCookiesList(), asked.hasContext(), asked.getContext());
            RefreshTokensResponse.Builder said = RefreshTokensResponse.newBuilder();
            Use use = use(question);
            if (!use.isRefused(said::setInactive, said::setDenied, said::setAnswer)) {
                said.setRefreshed(RefreshedTokens.newBuilder().setSession(use.info()));
                said.setAnswer(Finished.json(200, "{\"message\":\"Tokens refreshed\",\"expires_at\":null}"));
            }
            Reply.to(to, said.build());
        }
    }

    /** Says what the session says. */
    @Override
    public void getUserInfo(GetUserInfoRequest asked, StreamObserver<GetUserInfoResponse> to) {
        synchronized (state) {
            ValidateSessionRequest question = question(asked.getCookiesList(), asked.hasContext(), asked.getContext());
            GetUserInfoResponse.Builder said = GetUserInfoResponse.newBuilder();
            Use use = use(question);
            if (!use.isRefused(said::setInactive, said::setDenied, said::setAnswer)) {
                said.setUserInfo(
                        UserInfo.newBuilder().setIdentity(use.identity()).setSession(use.info()));
                said.setAnswer(Finished.userInfo(use.identity()));
            }
            Reply.to(to, said.build());
        }
    }

    /** The living session that a request may use, or why it may not. */
    private record Use(
            Identity identity,
            SessionInfo info,
            @Nullable InactiveSession inactive,
            @Nullable DeniedSession denied) {
        static Use not(@Nullable InactiveSession inactive, @Nullable DeniedSession denied) {
            return new Use(Identity.getDefaultInstance(), SessionInfo.getDefaultInstance(), inactive, denied);
        }

        /** Says why the session may not be used, if it may not. */
        boolean isRefused(
                Consumer<InactiveSession> saysInactive,
                Consumer<DeniedSession> saysDenied,
                Consumer<HttpAnswer> answers) {
            if (inactive != null) {
                saysInactive.accept(inactive);
                answers.accept(inactive.getAnswer());
            } else if (denied != null) {
                saysDenied.accept(denied);
                answers.accept(denied.getAnswer());
            }
            return inactive != null || denied != null;
        }
    }

    private Use use(ValidateSessionRequest question) {
        Found found = state.presented(question.getCookiesList());
        Living living = found.living();
        if (living == null) {
            return Use.not(Denials.inactive(found.reason(), question), null);
        }
        Judgement judgement =
                Judge.judge(state, living, question.getRequirements(), question.hasContext(), question.getContext());
        return judgement.isDenied()
                ? Use.not(null, Denials.denied(state, living, judgement.denied(), question))
                : new Use(living.identity, living.info, null, null);
    }

    private static ValidateSessionRequest question(List<Cookie> cookies, boolean hasContext, RequestContext context) {
        ValidateSessionRequest.Builder question =
                ValidateSessionRequest.newBuilder().addAllCookies(cookies).setAnswerJson(true);
        return hasContext ? question.setContext(context).build() : question.build();
    }

    /** Hands out one that names the user. */
    @Override
    public void getAccessToken(GetAccessTokenRequest asked, StreamObserver<GetAccessTokenResponse> to) {
        synchronized (state) {
            Found found = state.presented(asked.getCookiesList());
            GetAccessTokenResponse.Builder said = GetAccessTokenResponse.newBuilder();
            Living living = found.living();
            if (living == null) {
                said.setInactive(inactive(found.reason()));
            } else {
                said.setAccessToken(AccessToken.newBuilder()
                        .setValue("access_" + living.person.userId())
                        .setType("Bearer")
                        .addAllScopes(living.person.scopes())
                        .setAudience(asked.getAudience()));
            }
            Reply.to(to, said.build());
        }
    }

    /** What the application keeps with the session. */
    @Override
    public void getAttributes(GetAttributesRequest asked, StreamObserver<GetAttributesResponse> to) {
        synchronized (state) {
            GetAttributesResponse.Builder said = GetAttributesResponse.newBuilder();
            Use use = use(question(asked.getCookiesList(), asked.hasContext(), asked.getContext()));
            if (!use.isRefused(said::setInactive, said::setDenied, answer -> {})) {
                said.setAttributes(kept(use));
            }
            Reply.to(to, said.build());
        }
    }

    /** Changes it, if nobody has changed it since it was read. */
    @Override
    public void updateAttributes(UpdateAttributesRequest asked, StreamObserver<UpdateAttributesResponse> to) {
        synchronized (state) {
            UpdateAttributesResponse.Builder said = UpdateAttributesResponse.newBuilder();
            Use use = use(question(asked.getCookiesList(), asked.hasContext(), asked.getContext()));
            if (!use.isRefused(said::setInactive, said::setDenied, answer -> {})) {
                Attributes before = kept(use);
                if (before.getVersion() != asked.getExpectedVersion()) {
                    String message = "The attributes have another version by now.";
                    Reply.failure(to, Entrance.failure(Status.Code.ABORTED, VersionConflictException.REASON, message));
                    return;
                }
                Attributes.Builder now = before.toBuilder().putAllValues(asked.getSetMap());
                asked.getRemoveList().forEach(now::removeValues);
                state.attributes.put(
                        use.info().getSessionId(),
                        now.setVersion(before.getVersion() + 1).build());
                state.events.changed(use.info().getSessionId());
                said.setAttributes(kept(use));
            }
            Reply.to(to, said.build());
        }
    }

    private Attributes kept(Use use) {
        return state.attributes.getOrDefault(use.info().getSessionId(), Attributes.getDefaultInstance());
    }

    /** Lists all on one page. */
    @Override
    public void listUserSessions(ListUserSessionsRequest asked, StreamObserver<ListUserSessionsResponse> to) {
        synchronized (state) {
            ListUserSessionsResponse.Builder said = ListUserSessionsResponse.newBuilder();
            Use use = use(question(asked.getCookiesList(), asked.hasContext(), asked.getContext()));
            if (!use.isRefused(said::setInactive, said::setDenied, said::setAnswer)) {
                List<Living> sessions = ofUser(use.identity());
                for (Living one : sessions) {
                    said.getUserSessionsBuilder()
                            .addSessions(UserSession.newBuilder()
                                    .setSession(one.info)
                                    .setCurrent(one.info.equals(use.info())));
                }
                said.setAnswer(Finished.sessions(sessions, use.info()));
            }
            Reply.to(to, said.build());
        }
    }

    @Override
    public void revoke(SessionServiceRevokeRequest asked, StreamObserver<SessionServiceRevokeResponse> to) {
        if (asked.getTargetCase() == SessionServiceRevokeRequest.TargetCase.TARGET_NOT_SET) {
            Reply.failure(
                    to,
                    Entrance.failure(Status.Code.INVALID_ARGUMENT, InvalidFieldException.REASON, "target is required"));
            return;
        }
        synchronized (state) {
            Reply.to(to, revoked(asked));
        }
    }

    private SessionServiceRevokeResponse revoked(SessionServiceRevokeRequest asked) {
        SessionServiceRevokeResponse.Builder said = SessionServiceRevokeResponse.newBuilder();
        Use use = use(question(asked.getCookiesList(), asked.hasContext(), asked.getContext()));
        if (use.inactive() != null) {
            if (!asked.hasPresentedSession()) {
                said.setInactive(use.inactive());
            }
            return said.setAnswer(use.inactive().getAnswer()).build();
        }
        if (use.denied() != null) {
            return said.setDenied(use.denied())
                    .setAnswer(use.denied().getAnswer())
                    .build();
        }
        String end = Aim.of(asked, use.info().getSessionId());
        if (end.isEmpty()) {
            String remedy = "Send end: a session's public id, or others.";
            return said.setAnswer(Finished.problem(400, "request_malformed", "The request can't be read", remedy))
                    .build();
        }
        int count = 0;
        boolean isCurrent = false;
        for (Living one : ofUser(use.identity())) {
            boolean isPresented = one.info.equals(use.info());
            if (end.equals(one.info.getSessionId()) || (end.equals(Aim.OTHERS) && !isPresented)) {
                state.end(one);
                count++;
                isCurrent |= isPresented;
            }
        }
        said.setRevokedCount(count).setEventPosition(state.events.position());
        if (asked.hasContext()) {
            String told = "{\"message\":\"" + count + " sessions were ended\",\"revoked_count\":" + count + "}";
            HttpAnswer.Builder answer = Finished.json(200, told).toBuilder();
            if (isCurrent) {
                answer.addSetCookies(Finished.cookie(state.settings, state.settings.getSessionCookieNames(0), "", 0));
            }
            said.setAnswer(answer);
        }
        return said.build();
    }

    private List<Living> ofUser(Identity who) {
        return state.living().stream()
                .filter(one -> one.identity.getUserId().equals(who.getUserId()))
                .toList();
    }

    /** Tells of what happens from now on, wherever the caller would go on. */
    @Override
    public void watchSessions(WatchSessionsRequest asked, StreamObserver<WatchSessionsResponse> to) {
        state.events.watch(to);
    }

    @Override
    public StreamObserver<CheckSessionsRequest> checkSessions(StreamObserver<CheckSessionsResponse> to) {
        return new FakeChecks(this, entrance, to);
    }

    private static InactiveSession inactive(InactiveReason reason) {
        return InactiveSession.newBuilder().setReason(reason).build();
    }
}
