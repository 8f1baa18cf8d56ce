package io.github.gatelodge.edge;

import com.google.protobuf.ByteString;
import io.github.gatelodge.LoginCalls;
import io.github.gatelodge.Session;
import io.github.gatelodge.SessionCalls;
import io.github.gatelodge.Verdict;
import io.github.gatelodge.edge.Answer.Header;
import io.github.gatelodge.v1.CompleteCallbackRequest;
import io.github.gatelodge.v1.CompleteCallbackResponse;
import io.github.gatelodge.v1.CompleteLogoutRequest;
import io.github.gatelodge.v1.CompleteLogoutResponse;
import io.github.gatelodge.v1.Cookie;
import io.github.gatelodge.v1.GetUserInfoRequest;
import io.github.gatelodge.v1.HandleBackchannelLogoutRequest;
import io.github.gatelodge.v1.HandleBackchannelLogoutResponse;
import io.github.gatelodge.v1.HandleFrontchannelLogoutRequest;
import io.github.gatelodge.v1.HandleFrontchannelLogoutResponse;
import io.github.gatelodge.v1.HttpAnswer;
import io.github.gatelodge.v1.ListUserSessionsRequest;
import io.github.gatelodge.v1.RefreshTokensRequest;
import io.github.gatelodge.v1.RequestContext;
import io.github.gatelodge.v1.RouteSet;
import io.github.gatelodge.v1.SessionServiceRevokeRequest;
import io.github.gatelodge.v1.StartLoginRequest;
import io.github.gatelodge.v1.StartLoginResponse;
import io.github.gatelodge.v1.StartLogoutRequest;
import io.github.gatelodge.v1.StartLogoutResponse;
import io.github.gatelodge.v1.ValidateSessionRequest;
import java.util.ArrayList;
import java.util.List;

/**
 * The routes of the contract, and what each asks. HEAD is no way to begin or complete a login: link checkers and
 * previews send it, and it would spend the state.
 */
enum Route {
    LOGIN("/auth/web/login", "GET, OPTIONS") {
        @Override
        Answer ask(Pass pass, Body body) {
            StartLoginResponse done = pass.calls()
                    .startLogin(StartLoginRequest.newBuilder()
                            .setRouteSet(routeSet)
                            .setQuery(pass.query())
                            .addAllCookies(pass.cookies())
                            .setContext(pass.context())
                            .build());
            return pass.answer(done.getAnswer(), done.getSettingsVersion());
        }
    },
    CALLBACK("/auth/web/callback", "GET, POST, OPTIONS") {
        @Override
        Answer ask(Pass pass, Body body) {
            CompleteCallbackRequest.Builder question = CompleteCallbackRequest.newBuilder()
                    .setRouteSet(routeSet)
                    .addAllCookies(pass.cookies())
                    .setContext(pass.context());
            if (!pass.request().method().equals("POST")) {
                question.setQuery(pass.query());
            } else if (body.isJson()) {
                question.setJson(body.bytes());
            } else {
                question.setForm(body.bytes());
            }
            CompleteCallbackResponse done = pass.calls().completeCallback(question.build());
            return pass.answer(done.getAnswer(), done.getSettingsVersion());
        }
    },
    /** Says who is logged in: the one answer that an edge writes. */
    ME("/auth/me", "GET, HEAD, OPTIONS") {
        @Override
        Answer ask(Pass pass, Body body) {
            Verdict verdict = pass.gate()
                    .check(
                            ValidateSessionRequest.newBuilder()
                                    .addAllCookies(pass.sessionCookies())
                                    .setContext(pass.context())
                                    .setCanSetCookies(true)
                                    .setIssueCsrfToken(true)
                                    .setAnswerJson(true)
                                    .build(),
                            pass.answers());
            if (verdict instanceof Verdict.Denied denied) {
                return pass.answers().forbidden(denied.why());
            }
            if (verdict instanceof Verdict.Inactive inactive) {
                return pass.answers().notSignedIn(inactive.why());
            }
            return me(pass, Answers.deliverable((Verdict.Active) verdict));
        }
    },
    LOGOUT("/auth/web/logout", "POST, OPTIONS") {
        @Override
        Answer ask(Pass pass, Body body) {
            StartLogoutResponse done = pass.calls()
                    .startLogout(StartLogoutRequest.newBuilder()
                            .setRouteSet(routeSet)
                            .setQuery(pass.query())
                            .addAllCookies(pass.cookies())
                            .setContext(pass.context())
                            .setForm(body.bytes())
                            .build());
            return pass.answer(done.getAnswer(), done.getSettingsVersion());
        }
    },
    LOGGED_OUT("/auth/web/logged-out", "GET, OPTIONS") {
        @Override
        Answer ask(Pass pass, Body body) {
            CompleteLogoutResponse done = pass.calls()
                    .completeLogout(CompleteLogoutRequest.newBuilder()
                            .setRouteSet(routeSet)
                            .setQuery(pass.query())
                            .addAllCookies(pass.cookies())
                            .setContext(pass.context())
                            .build());
            return pass.answer(done.getAnswer(), done.getSettingsVersion());
        }
    },
    /** A provider's server says that a session has ended there. */
    BACKCHANNEL_LOGOUT("/auth/web/backchannel-logout", "POST, OPTIONS") {
        @Override
        Answer ask(Pass pass, Body body) {
            HandleBackchannelLogoutResponse done = pass.calls()
                    .handleBackchannelLogout(HandleBackchannelLogoutRequest.newBuilder()
                            .setRouteSet(routeSet)
                            .setForm(body.bytes())
                            .setContext(pass.context())
                            .build());
            return pass.answer(done.getAnswer(), done.getSettingsVersion());
        }
    },
    /** A page of a provider's logout has the browser say so. */
    FRONTCHANNEL_LOGOUT("/auth/web/frontchannel-logout", "GET, OPTIONS") {
        @Override
        Answer ask(Pass pass, Body body) {
            HandleFrontchannelLogoutResponse done = pass.calls()
                    .handleFrontchannelLogout(HandleFrontchannelLogoutRequest.newBuilder()
                            .setRouteSet(routeSet)
                            .setQuery(pass.query())
                            .setContext(pass.context())
                            .build());
            return pass.answer(done.getAnswer(), done.getSettingsVersion());
        }
    },
    REFRESH("/auth/web/refresh", "POST, OPTIONS") {
        @Override
        Answer ask(Pass pass, Body body) {
            return pass.answers()
                    .copy(pass.sessions()
                            .refreshTokens(RefreshTokensRequest.newBuilder()
                                    .addAllCookies(pass.sessionCookies())
                                    .setContext(pass.context())
                                    .build())
                            .getAnswer());
        }
    },
    /** Asks the provider only for a POST, which no other site can make a browser send. */
    USER_INFO("/auth/web/userinfo", "GET, HEAD, POST, OPTIONS") {
        @Override
        Answer ask(Pass pass, Body body) {
            return pass.answers()
                    .copy(pass.sessions()
                            .getUserInfo(GetUserInfoRequest.newBuilder()
                                    .addAllCookies(pass.sessionCookies())
                                    .setContext(pass.context())
                                    .setRefresh(pass.request().method().equals("POST"))
                                    .build())
                            .getAnswer());
        }
    },
    SESSIONS("/auth/web/sessions", "GET, HEAD, OPTIONS") {
        @Override
        Answer ask(Pass pass, Body body) {
            return pass.answers()
                    .copy(pass.sessions()
                            .listUserSessions(ListUserSessionsRequest.newBuilder()
                                    .addAllCookies(pass.sessionCookies())
                                    .setContext(pass.context())
                                    .setQuery(pass.query())
                                    .build())
                            .getAnswer());
        }
    },
    REVOKE("/auth/web/sessions/revoke", "POST, OPTIONS") {
        @Override
        Answer ask(Pass pass, Body body) {
            SessionServiceRevokeRequest.Builder question = SessionServiceRevokeRequest.newBuilder()
                    .addAllCookies(pass.sessionCookies())
                    .setContext(pass.context());
            if (body.isJson()) {
                question.setJson(body.bytes());
            } else {
                question.setForm(body.bytes());
            }
            return pass.answers().copy(pass.sessions().revoke(question.build()).getAnswer());
        }
    };

    final String path;
    final RouteSet routeSet = RouteSet.ROUTE_SET_WEB;
    /** The value of Allow: its methods. */
    final String allow;

    Route(String path, String allow) {
        this.path = path;
        this.allow = allow;
    }

    boolean takes(String method) {
        return List.of(allow.split(", ")).contains(method);
    }

    /** How a request's body is read, by its label. */
    Body.Kind bodyKind(BrowserRequest request) {
        boolean isFormAlone = this == LOGOUT || this == BACKCHANNEL_LOGOUT;
        boolean isRead = isFormAlone
                || this == REVOKE
                || (this == CALLBACK && request.method().equals("POST"));
        if (isRead && Presented.isOfKind(request, Body.Kind.FORM.contentType)) {
            return Body.Kind.FORM;
        }
        boolean isJson = isRead && !isFormAlone && Presented.isOfKind(request, Body.Kind.JSON.contentType);
        return isJson ? Body.Kind.JSON : Body.Kind.UNREAD;
    }

    /** A request that is passed on. */
    record Pass(Gate gate, Settings settings, BrowserRequest request, Answers answers) {
        LoginCalls calls() {
            return gate.client().forRequest(answers.requestId()).login();
        }

        SessionCalls sessions() {
            return gate.client().forRequest(answers.requestId()).sessions();
        }

        ByteString query() {
            return Presented.query(request, settings);
        }

        List<Cookie> sessionCookies() {
            return Presented.sessionCookies(request, settings);
        }

        List<Cookie> cookies() {
            return Presented.loginCookies(request, settings);
        }

        RequestContext context() {
            return Presented.context(request, settings);
        }

        /** What the authority answers, and under which settings. */
        Answer answer(HttpAnswer answer, String settingsVersion) {
            gate.sawVersion(settingsVersion);
            return answers.copy(answer);
        }
    }

    /** Asks the authority about a request, and makes an answer of what it says. */
    abstract Answer ask(Pass pass, Body body);

    private static Answer me(Pass pass, Verdict.Active active) {
        Session session = active.session();
        String token = active.csrfToken().isEmpty() ? null : active.csrfToken();
        List<Header> headers = new ArrayList<>();
        if (token != null) {
            headers.add(new Header(pass.settings().csrfHeader(), token));
        }
        for (String cookie : active.setCookies()) {
            headers.add(new Header("Set-Cookie", cookie));
        }
        Json body = new Json()
                .member("user_id", session.userId())
                .member("email", session.email().orElse(null))
                .member("name", session.name().orElse(null))
                .member("provider", session.provider())
                .member("csrf_token", token);
        return pass.answers().json(200, headers, body);
    }
}
