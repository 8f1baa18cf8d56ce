package io.github.gatelodge;

import io.github.gatelodge.v1.GetJwksRequest;
import io.github.gatelodge.v1.GetJwksResponse;
import io.github.gatelodge.v1.MintTokenRequest;
import io.github.gatelodge.v1.MintTokenResponse;
import io.github.gatelodge.v1.TokenServiceGrpc;
import io.github.gatelodge.v1.ValidateTokenRequest;
import io.github.gatelodge.v1.ValidateTokenResponse;

/** Checks bearer tokens, and mints tokens of the authority's own. */
public final class TokenCalls {
    private final Caller caller;

    TokenCalls(Caller caller) {
        this.caller = caller;
    }

    /**
     * Whose a bearer token is, and whether this request may go ahead.
     *
     * @throws io.github.gatelodge.error.GatelodgeException the authority could not say: answer 503
     */
    public TokenVerdict check(ValidateTokenRequest question) {
        return TokenVerdict.read(question, validateToken(question));
    }

    /** As {@link #check}, with the answer unread: prefer that one, which minds what must not be taken for a yes. */
    public ValidateTokenResponse validateToken(ValidateTokenRequest question) {
        return caller.call(TokenServiceGrpc.getValidateTokenMethod(), Manner.SAFE_SLOW, question);
    }

    /** A small signed token from the session that a browser presented. */
    public MintTokenResponse mintToken(MintTokenRequest question) {
        return caller.call(TokenServiceGrpc.getMintTokenMethod(), Manner.SAFE, question);
    }

    /** The public keys that check tokens of {@link #mintToken}. */
    public GetJwksResponse getJwks(GetJwksRequest question) {
        return caller.call(TokenServiceGrpc.getGetJwksMethod(), Manner.SAFE, question);
    }
}
