package io.github.gatelodge;

import io.github.gatelodge.v1.CompleteCallbackRequest;
import io.github.gatelodge.v1.CompleteCallbackResponse;
import io.github.gatelodge.v1.CompleteLogoutRequest;
import io.github.gatelodge.v1.CompleteLogoutResponse;
import io.github.gatelodge.v1.GetEdgeSettingsRequest;
import io.github.gatelodge.v1.GetEdgeSettingsResponse;
import io.github.gatelodge.v1.LoginServiceGrpc;
import io.github.gatelodge.v1.LoginServiceListProvidersRequest;
import io.github.gatelodge.v1.LoginServiceListProvidersResponse;
import io.github.gatelodge.v1.StartLoginRequest;
import io.github.gatelodge.v1.StartLoginResponse;
import io.github.gatelodge.v1.StartLogoutRequest;
import io.github.gatelodge.v1.StartLogoutResponse;

/** Logs people in and out: what an edge asks. */
public final class LoginCalls {
    private final Caller caller;

    LoginCalls(Caller caller) {
        this.caller = caller;
    }

    /** All that an edge has to know beyond address and key. */
    public GetEdgeSettingsResponse getEdgeSettings(GetEdgeSettingsRequest question) {
        return caller.call(LoginServiceGrpc.getGetEdgeSettingsMethod(), Manner.SAFE, question);
    }

    /** The identity providers that a person can log in with. */
    public LoginServiceListProvidersResponse listProviders(LoginServiceListProvidersRequest question) {
        return caller.call(LoginServiceGrpc.getListProvidersMethod(), Manner.SAFE, question);
    }

    /** Begins a login. Never repeated: a repeat would begin another. */
    public StartLoginResponse startLogin(StartLoginRequest question) {
        return caller.call(LoginServiceGrpc.getStartLoginMethod(), Manner.START_LOGIN, question);
    }

    /** Completes a login. Not repeated here: the browser can do so, and gets the same answer. */
    public CompleteCallbackResponse completeCallback(CompleteCallbackRequest question) {
        return caller.changing(
                LoginServiceGrpc.getCompleteCallbackMethod(),
                Manner.COMPLETE_CALLBACK,
                question,
                question.getCookiesList());
    }

    /** Ends the browser's session. */
    public StartLogoutResponse startLogout(StartLogoutRequest question) {
        return caller.changing(
                LoginServiceGrpc.getStartLogoutMethod(), Manner.START_LOGOUT, question, question.getCookiesList());
    }

    /** Receives the browser back from the provider's logout. */
    public CompleteLogoutResponse completeLogout(CompleteLogoutRequest question) {
        return caller.call(LoginServiceGrpc.getCompleteLogoutMethod(), Manner.SAFE, question);
    }
}
