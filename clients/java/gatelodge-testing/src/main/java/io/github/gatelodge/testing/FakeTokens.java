package io.github.gatelodge.testing;

import io.github.gatelodge.error.MintingOffException;
import io.github.gatelodge.error.TokenCheckOffException;
import io.github.gatelodge.v1.GetJwksRequest;
import io.github.gatelodge.v1.GetJwksResponse;
import io.github.gatelodge.v1.MintTokenRequest;
import io.github.gatelodge.v1.MintTokenResponse;
import io.github.gatelodge.v1.TokenServiceGrpc.TokenServiceImplBase;
import io.github.gatelodge.v1.ValidateTokenRequest;
import io.github.gatelodge.v1.ValidateTokenResponse;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;

/** Of bearer tokens the fake says what an authority says that checks none and mints none. */
final class FakeTokens extends TokenServiceImplBase {
    @Override
    public void validateToken(ValidateTokenRequest asked, StreamObserver<ValidateTokenResponse> to) {
        off(to, TokenCheckOffException.REASON, "The fake authority checks no access tokens.");
    }

    @Override
    public void mintToken(MintTokenRequest asked, StreamObserver<MintTokenResponse> to) {
        off(to, MintingOffException.REASON, "The fake authority mints no tokens.");
    }

    @Override
    public void getJwks(GetJwksRequest asked, StreamObserver<GetJwksResponse> to) {
        off(to, MintingOffException.REASON, "The fake authority mints no tokens.");
    }

    private static void off(StreamObserver<?> to, String reason, String message) {
        Reply.failure(to, Entrance.failure(Status.Code.FAILED_PRECONDITION, reason, message));
    }
}
