package io.github.gatelodge.testing;

import com.google.protobuf.ByteString;
import io.github.gatelodge.testing.Judge.Judgement;
import io.github.gatelodge.testing.State.Login;
import io.github.gatelodge.v1.CompleteCallbackRequest;
import io.github.gatelodge.v1.CompleteCallbackResponse;
import io.github.gatelodge.v1.CompleteLogoutRequest;
import io.github.gatelodge.v1.CompleteLogoutResponse;
import io.github.gatelodge.v1.CompletedLogin;
import io.github.gatelodge.v1.Cookie;
import io.github.gatelodge.v1.CsrfRequirement;
import io.github.gatelodge.v1.DeniedReason;
import io.github.gatelodge.v1.GetEdgeSettingsRequest;
import io.github.gatelodge.v1.GetEdgeSettingsResponse;
import io.github.gatelodge.v1.HandleBackchannelLogoutRequest;
import io.github.gatelodge.v1.HandleBackchannelLogoutResponse;
import io.github.gatelodge.v1.HandleFrontchannelLogoutRequest;
import io.github.gatelodge.v1.HandleFrontchannelLogoutResponse;
import io.github.gatelodge.v1.HttpAnswer;
import io.github.gatelodge.v1.LoginFailure;
import io.github.gatelodge.v1.LoginServiceGrpc.LoginServiceImplBase;
import io.github.gatelodge.v1.LoginServiceListProvidersRequest;
import io.github.gatelodge.v1.LoginServiceListProvidersResponse;
import io.github.gatelodge.v1.Provider;
import io.github.gatelodge.v1.RequestContext;
import io.github.gatelodge.v1.Requirements;
import io.github.gatelodge.v1.StartLoginRequest;
import io.github.gatelodge.v1.StartLoginResponse;
import io.github.gatelodge.v1.StartLogoutRequest;
import io.github.gatelodge.v1.StartLogoutResponse;
import io.grpc.stub.StreamObserver;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Logins and logouts of the fake. */
final class FakeLogins extends LoginServiceImplBase {
    private static final String ISSUER = "https://provider.example";
    private static final String LOGOUT_TOKEN = "logout_";
    private final State state;

    FakeLogins(State state) {
        this.state = state;
    }

    @Override
    public void getEdgeSettings(GetEdgeSettingsRequest asked, StreamObserver<GetEdgeSettingsResponse> to) {
        synchronized (state) {
            Reply.to(
                    to,
                    GetEdgeSettingsResponse.newBuilder()
                            .setSettings(state.settings)
                            .build());
        }
    }

    @Override
    public void listProviders(
            LoginServiceListProvidersRequest asked, StreamObserver<LoginServiceListProvidersResponse> to) {
        synchronized (state) {
            Provider fake = Provider.newBuilder()
                    .setName("fake")
                    .setDisplayName("Fake")
                    .setLoginPath("/auth/web/login?provider=fake")
                    .build();
            Reply.to(
                    to,
                    LoginServiceListProvidersResponse.newBuilder()
                            .addProviders(fake)
                            .setSettingsVersion(state.settings.getVersion())
                            .build());
        }
    }

    @Override
    public void startLogin(StartLoginRequest asked, StreamObserver<StartLoginResponse> to) {
        synchronized (state) {
            StartLoginResponse.Builder said =
                    StartLoginResponse.newBuilder().setSettingsVersion(state.settings.getVersion());
            Optional<String> returnTo = Query.returnPlace(
                    asked.getQuery(), state.settings.getLandingPlaces().getAfterLogin());
            if (returnTo.isEmpty()) {
                said.setAnswer(notAllowed()).setFailure(LoginFailure.LOGIN_FAILURE_REDIRECT_NOT_ALLOWED);
                Reply.to(to, said.build());
                return;
            }
            String binding = State.random();
            String login = State.random();
            state.logins.put(login, new Login(binding, returnTo.get(), state.next));
            String place =
                    state.settings.getCallbackAddresses(0).getUrl() + "?code=" + State.random() + "&state=" + login;
            String cookie = Finished.cookie(state.settings, state.settings.getBindingCookieNames(0), binding, 600);
            Reply.to(to, said.setAnswer(Finished.redirect(302, place, cookie)).build());
        }
    }

    @Override
    public void completeCallback(CompleteCallbackRequest asked, StreamObserver<CompleteCallbackResponse> to) {
        synchronized (state) {
            CompleteCallbackResponse.Builder said =
                    CompleteCallbackResponse.newBuilder().setSettingsVersion(state.settings.getVersion());
            String id = Query.first(asked.getQuery(), "state");
            Login begun = state.logins.get(id);
            if (begun != null && isBound(asked.getCookiesList(), begun)) {
                state.logins.remove(id);
                Living made = state.begin(begun.person());
                String cookie = Finished.cookie(
                        state.settings, state.settings.getSessionCookieNames(0), made.person.cookie(), 86_400);
                said.setCompleted(CompletedLogin.newBuilder()
                                .setIdentity(made.identity)
                                .setSession(made.info))
                        .setAnswer(Finished.redirect(302, begun.returnTo(), cookie));
            } else {
                said.setFailure(
                                begun == null
                                        ? LoginFailure.LOGIN_FAILURE_STATE_INVALID
                                        : LoginFailure.LOGIN_FAILURE_OTHER_BROWSER)
                        .setAnswer(invalidState("This login was not begun here. Begin the login again."));
            }
            Reply.to(to, said.build());
        }
    }

    private boolean isBound(List<Cookie> cookies, Login begun) {
        return cookies.stream()
                .anyMatch(cookie -> cookie.getName().equals(state.settings.getBindingCookieNames(0))
                        && cookie.getValue().toStringUtf8().equals(begun.binding()));
    }

    @Override
    public void startLogout(StartLogoutRequest asked, StreamObserver<StartLogoutResponse> to) {
        synchronized (state) {
            StartLogoutResponse.Builder said =
                    StartLogoutResponse.newBuilder().setSettingsVersion(state.settings.getVersion());
            Optional<String> returnTo = Query.returnPlace(
                    asked.getQuery(), state.settings.getLandingPlaces().getAfterLogout());
            List<String> tokens = Query.all(asked.getForm(), "csrf_token");
            if (returnTo.isEmpty()) {
                Reply.to(to, said.setAnswer(notAllowed()).build());
                return;
            }
            if (tokens.size() > 1) {
                HttpAnswer malformed = Finished.problem(
                        400, "request_malformed", "The request can't be read", "Send csrf_token once.");
                Reply.to(to, said.setAnswer(malformed).build());
                return;
            }
            Living found = state.presented(asked.getCookiesList()).living();
            HttpAnswer refused = refused(found, withToken(asked.getContext(), tokens));
            if (refused != null) {
                Reply.to(to, said.setAnswer(refused).build());
                return;
            }
            if (found != null) {
                state.end(found);
                said.setRevokedCount(1).setEventPosition(state.events.position());
            }
            Reply.to(to, said.setAnswer(loggedOut(asked, returnTo.get())).build());
        }
    }

    /** The answer to a logout that may not be made. */
    private @Nullable HttpAnswer refused(@Nullable Living found, RequestContext context) {
        if (Judge.isForeign(state, context)) {
            return Denials.problem(state, DeniedReason.DENIED_REASON_ORIGIN_REFUSED);
        }
        if (found == null) {
            return null;
        }
        Requirements needed = Requirements.newBuilder()
                .setCsrf(CsrfRequirement.CSRF_REQUIREMENT_REQUIRED)
                .build();
        Judgement judgement = Judge.judge(state, found, needed, true, context);
        return judgement.isDenied() ? Denials.problem(state, judgement.denied()) : null;
    }

    private HttpAnswer loggedOut(StartLogoutRequest asked, String returnTo) {
        HttpAnswer.Builder answer = Judge.isNavigation(asked.getContext())
                ? Finished.redirect(303, returnTo).toBuilder()
                : Finished.json(200, Map.of("message", "Logged out successfully")).toBuilder();
        String name = state.settings.getSessionCookieNames(0);
        if (asked.getCookiesList().stream().anyMatch(cookie -> cookie.getName().equals(name))) {
            answer.addSetCookies(Finished.cookie(state.settings, name, "", 0));
        }
        return answer.build();
    }

    /** With the token of a form that can set no header. */
    private static RequestContext withToken(RequestContext context, List<String> tokens) {
        return tokens.isEmpty() || context.hasCsrfToken()
                ? context
                : context.toBuilder()
                        .setCsrfToken(ByteString.copyFromUtf8(tokens.get(0)))
                        .build();
    }

    /** Knows no state, since there is no provider to come back from. */
    @Override
    public void completeLogout(CompleteLogoutRequest asked, StreamObserver<CompleteLogoutResponse> to) {
        synchronized (state) {
            Reply.to(
                    to,
                    CompleteLogoutResponse.newBuilder()
                            .setSettingsVersion(state.settings.getVersion())
                            .setAnswer(invalidState(
                                    "You are logged out. This page was reached without a logout begun here."))
                            .build());
        }
    }

    /** Its one provider signs nothing: {@code logout_} and its own session, or a user's id, is a logout token. */
    @Override
    public void handleBackchannelLogout(
            HandleBackchannelLogoutRequest asked, StreamObserver<HandleBackchannelLogoutResponse> to) {
        synchronized (state) {
            HandleBackchannelLogoutResponse.Builder said =
                    HandleBackchannelLogoutResponse.newBuilder().setSettingsVersion(state.settings.getVersion());
            List<String> tokens = Query.all(asked.getForm(), "logout_token");
            if (tokens.size() != 1 || !tokens.get(0).startsWith(LOGOUT_TOKEN)) {
                String reason = tokens.size() == 1 ? "logout_token_rejected" : "request_malformed";
                HttpAnswer refused = Finished.problem(
                        400, reason, "The logout token was not accepted", "", "error", "invalid_request");
                Reply.to(to, said.setAnswer(refused).build());
                return;
            }
            String named = tokens.get(0).substring(LOGOUT_TOKEN.length());
            if (state.carriedOut.add(named)) { // each is carried out once
                int ended = state.endAll(who -> named.equals(who.userId()) || named.equals(who.providerSession()));
                said.setRevokedCount(ended).setEventPosition(state.events.position());
            }
            Reply.to(to, said.setAnswer(Finished.json(200, "{}")).build());
        }
    }

    /** Ends what a page of its one provider names. */
    @Override
    public void handleFrontchannelLogout(
            HandleFrontchannelLogoutRequest asked, StreamObserver<HandleFrontchannelLogoutResponse> to) {
        synchronized (state) {
            HandleFrontchannelLogoutResponse.Builder said =
                    HandleFrontchannelLogoutResponse.newBuilder().setSettingsVersion(state.settings.getVersion());
            String issuer = Query.first(asked.getQuery(), "iss");
            String sid = Query.first(asked.getQuery(), "sid");
            if (issuer.isEmpty() || sid.isEmpty()) {
                said.setAnswer(Finished.problem(400, "request_malformed", "The parameters iss and sid are needed", ""));
            } else if (!issuer.equals(ISSUER)) {
                said.setAnswer(Finished.problem(
                        400, "provider_unknown", "No provider of this issuer may log out in this way", ""));
            } else {
                int ended = state.endAll(who -> sid.equals(who.providerSession()));
                said.setRevokedCount(ended)
                        .setEventPosition(state.events.position())
                        .setAnswer(Finished.framed(
                                ISSUER, "<!doctype html>\n<title>Logged out</title>\n<p>Logged out</p>\n"));
            }
            Reply.to(to, said.build());
        }
    }

    private static HttpAnswer invalidState(String remedy) {
        return Finished.problem(400, "state_invalid", "Invalid state parameter", remedy);
    }

    private static HttpAnswer notAllowed() {
        return Finished.problem(
                400, "redirect_not_allowed", "This redirect_uri is not allowed", "Use a path of the application.");
    }
}
