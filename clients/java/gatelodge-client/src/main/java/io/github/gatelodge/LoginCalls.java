package io.github.gatelodge;

import com.google.protobuf.ByteString;
import io.github.gatelodge.error.GatelodgeException;
import io.github.gatelodge.error.ProviderUnavailableException;
import io.github.gatelodge.v1.CompleteCallbackRequest;
import io.github.gatelodge.v1.CompleteCallbackResponse;
import io.github.gatelodge.v1.CompleteLogoutRequest;
import io.github.gatelodge.v1.CompleteLogoutResponse;
import io.github.gatelodge.v1.GetEdgeSettingsRequest;
import io.github.gatelodge.v1.GetEdgeSettingsResponse;
import io.github.gatelodge.v1.HandleBackchannelLogoutRequest;
import io.github.gatelodge.v1.HandleBackchannelLogoutResponse;
import io.github.gatelodge.v1.HandleFrontchannelLogoutRequest;
import io.github.gatelodge.v1.HandleFrontchannelLogoutResponse;
import io.github.gatelodge.v1.LoginServiceGrpc;
import io.github.gatelodge.v1.LoginServiceListProvidersRequest;
import io.github.gatelodge.v1.LoginServiceListProvidersResponse;
import io.github.gatelodge.v1.StartLoginRequest;
import io.github.gatelodge.v1.StartLoginResponse;
import io.github.gatelodge.v1.StartLogoutRequest;
import io.github.gatelodge.v1.StartLogoutResponse;
import java.util.List;
import java.util.function.ToIntFunction;
import java.util.stream.IntStream;

/** Logs people in and out: what an edge asks. */
public final class LoginCalls {
    /** The parameter of a logout that ends more than the session that is presented. */
    private static final ByteString EVERYWHERE = ByteString.copyFromUtf8("everywhere");

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
        // Other sessions of the user may end too, whoever presents them.
        boolean asksForMore = contains(question.getQuery(), EVERYWHERE);
        return caller.ending(
                LoginServiceGrpc.getStartLogoutMethod(),
                Manner.LOGOUT,
                question,
                question.getCookiesList(),
                (kept, answer) -> forgetAllIf(kept, answer.getRevokedCount() > (asksForMore ? 0 : 1)));
    }

    /** Receives the browser back from the provider's logout. */
    public CompleteLogoutResponse completeLogout(CompleteLogoutRequest question) {
        return caller.call(LoginServiceGrpc.getCompleteLogoutMethod(), Manner.SAFE, question);
    }

    /**
     * Ends the sessions of which a provider's server says that they have ended there. Repeated only while the authority
     * is away: a token that was carried out ends nothing when it comes again.
     */
    public HandleBackchannelLogoutResponse handleBackchannelLogout(HandleBackchannelLogoutRequest question) {
        return caller.ending(
                LoginServiceGrpc.getHandleBackchannelLogoutMethod(),
                Manner.LOGOUT,
                question,
                List.of(),
                new ToldByProvider<>(HandleBackchannelLogoutResponse::getRevokedCount));
    }

    /** Ends the sessions of which a provider's page has the browser say that they have ended there. */
    public HandleFrontchannelLogoutResponse handleFrontchannelLogout(HandleFrontchannelLogoutRequest question) {
        return caller.ending(
                LoginServiceGrpc.getHandleFrontchannelLogoutMethod(),
                Manner.LOGOUT,
                question,
                List.of(),
                new ToldByProvider<>(HandleFrontchannelLogoutResponse::getRevokedCount));
    }

    /**
     * What a provider says has ended: it may have to be asked first whether it said so, and then nothing is done yet.
     */
    private record ToldByProvider<A>(ToIntFunction<A> count) implements Keeping.Ends<A> {
        @Override
        public void forget(Kept kept, A answer) {
            forgetAllIf(kept, count.applyAsInt(answer) > 0);
        }

        @Override
        public boolean isRefusal(GatelodgeException failure) {
            return Keeping.Ends.super.isRefusal(failure) || failure instanceof ProviderUnavailableException;
        }
    }

    private static void forgetAllIf(Kept kept, boolean mayBeOthers) {
        if (mayBeOthers) {
            kept.forgetAll();
        }
    }

    private static boolean contains(ByteString text, ByteString part) {
        return IntStream.rangeClosed(0, text.size() - part.size())
                .anyMatch(at -> text.substring(at).startsWith(part));
    }
}
