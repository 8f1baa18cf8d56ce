package io.github.gatelodge.testing;

import com.google.protobuf.Timestamp;
import io.github.gatelodge.error.MintingOffException;
import io.github.gatelodge.v1.ActiveToken;
import io.github.gatelodge.v1.DeniedReason;
import io.github.gatelodge.v1.DeniedToken;
import io.github.gatelodge.v1.GetJwksRequest;
import io.github.gatelodge.v1.GetJwksResponse;
import io.github.gatelodge.v1.HttpAnswer;
import io.github.gatelodge.v1.HttpHeader;
import io.github.gatelodge.v1.InactiveToken;
import io.github.gatelodge.v1.MintTokenRequest;
import io.github.gatelodge.v1.MintTokenResponse;
import io.github.gatelodge.v1.Requirements;
import io.github.gatelodge.v1.TokenDeniedReason;
import io.github.gatelodge.v1.TokenInactiveReason;
import io.github.gatelodge.v1.TokenKind;
import io.github.gatelodge.v1.TokenRequirements;
import io.github.gatelodge.v1.TokenServiceGrpc.TokenServiceImplBase;
import io.github.gatelodge.v1.ValidateTokenRequest;
import io.github.gatelodge.v1.ValidateTokenResponse;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.time.Instant;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** What the fake says of bearer tokens (RFC 6750). It mints none. */
final class FakeTokens extends TokenServiceImplBase {
    private static final Set<DeniedReason> MENDED_BY_LOGIN = EnumSet.of(
            DeniedReason.DENIED_REASON_ACR_MISSING,
            DeniedReason.DENIED_REASON_AMR_MISSING,
            DeniedReason.DENIED_REASON_LOGIN_TOO_OLD);

    private final State state;

    FakeTokens(State state) {
        this.state = state;
    }

    @Override
    public void validateToken(ValidateTokenRequest asked, StreamObserver<ValidateTokenResponse> to) {
        synchronized (state) {
            Reply.to(to, judged(asked));
        }
    }

    private ValidateTokenResponse judged(ValidateTokenRequest asked) {
        Issued found = state.tokens.get(asked.getToken().toStringUtf8());
        TokenRequirements needed = asked.getRequirements();
        TokenInactiveReason dead = inactive(asked, found);
        ValidateTokenResponse.Builder said = ValidateTokenResponse.newBuilder();
        if (found == null || dead != TokenInactiveReason.TOKEN_INACTIVE_REASON_UNSPECIFIED) {
            return said.setInactive(inactive(dead)).build();
        }
        Optional<Lack> lack = Lack.of(found.whose, ofSessions(needed));
        if (lack.isPresent()) {
            return said.setDenied(denied(lack.get(), needed)).build();
        }
        Timestamp expires = Person.moment(found.expires);
        ActiveToken.Builder active = ActiveToken.newBuilder();
        if (asked.getRefresh() && !found.whose.identity().getUserId().isEmpty()) {
            active.setRefreshTime(Person.moment(Instant.now()));
        }
        return said.setActive(active.setKind(TokenKind.TOKEN_KIND_JWT)
                        .setIdentity(found.whose.identity())
                        .setClientId(found.clientId)
                        .addAllAudiences(found.audiences)
                        .addAllPermissions(found.whose.identity().getPermissionsList())
                        .setExpireTime(expires)
                        .setJudged(needed))
                .build();
    }

    private static TokenInactiveReason inactive(ValidateTokenRequest asked, @Nullable Issued found) {
        String audience = asked.getRequirements().getAudience();
        if (asked.getToken().isEmpty()) {
            return TokenInactiveReason.TOKEN_INACTIVE_REASON_NONE;
        }
        if (found == null) {
            return TokenInactiveReason.TOKEN_INACTIVE_REASON_FORGED;
        }
        if (found.isWithdrawn) {
            return TokenInactiveReason.TOKEN_INACTIVE_REASON_ENDED;
        }
        if (!found.expires.isAfter(Instant.now())) {
            return TokenInactiveReason.TOKEN_INACTIVE_REASON_EXPIRED;
        }
        return audience.isEmpty() || found.audiences.contains(audience)
                ? TokenInactiveReason.TOKEN_INACTIVE_REASON_UNSPECIFIED
                : TokenInactiveReason.TOKEN_INACTIVE_REASON_OTHER_AUDIENCE;
    }

    /** What is needed of a token is judged as what is needed of a session. */
    private static Requirements ofSessions(TokenRequirements needed) {
        Requirements.Builder same = Requirements.newBuilder()
                .addAllScopes(needed.getScopesList())
                .addAllAnyScopes(needed.getAnyScopesList())
                .addAllPermissions(needed.getPermissionsList())
                .addAllAnyPermissions(needed.getAnyPermissionsList())
                .addAllRoles(needed.getRolesList())
                .setEmailVerified(needed.getEmailVerified())
                .addAllAcrValues(needed.getAcrValuesList())
                .addAllAmrValues(needed.getAmrValuesList());
        return needed.hasMaxLoginAge()
                ? same.setMaxLoginAge(needed.getMaxLoginAge()).build()
                : same.build();
    }

    private static InactiveToken inactive(TokenInactiveReason reason) {
        boolean isNone = reason == TokenInactiveReason.TOKEN_INACTIVE_REASON_NONE;
        String challenge = isNone ? "Bearer" : "Bearer error=\"invalid_token\"";
        String word = isNone ? "not_signed_in" : "invalid_token";
        return InactiveToken.newBuilder()
                .setReason(reason)
                .setAnswer(refused(401, word, "Could not validate credentials", challenge))
                .build();
    }

    private DeniedToken denied(Lack lack, TokenRequirements needed) {
        DeniedToken.Builder denied =
                DeniedToken.newBuilder().setReason(TokenDeniedReason.valueOf("TOKEN_" + lack.reason()));
        switch (lack.reason()) {
            case DENIED_REASON_SCOPE_MISSING -> denied.addAllMissingScopes(lack.names());
            case DENIED_REASON_PERMISSION_MISSING -> denied.addAllMissingPermissions(lack.names());
            case DENIED_REASON_ROLE_MISSING -> denied.addAllMissingRoles(lack.names());
            case DENIED_REASON_ACR_MISSING -> denied.addAllMissingAcrValues(lack.names());
            case DENIED_REASON_AMR_MISSING -> denied.addAllMissingAmrValues(lack.names());
            default -> {}
        }
        Denials.Words words = Denials.words(state, lack.reason(), lack.names());
        int status = MENDED_BY_LOGIN.contains(lack.reason()) ? 401 : 403;
        return denied.setAnswer(refused(status, words.reason(), words.detail(), challenge(lack, needed)))
                .build();
    }

    /** What a token would have to have; of a login, what it has to be asked for (RFC 9470, 3). */
    private static String challenge(Lack lack, TokenRequirements needed) {
        if (!MENDED_BY_LOGIN.contains(lack.reason())) {
            boolean isScope = lack.reason() == DeniedReason.DENIED_REASON_SCOPE_MISSING;
            String scope = isScope ? ", scope=\"" + String.join(" ", lack.names()) + "\"" : "";
            return "Bearer error=\"insufficient_scope\"" + scope;
        }
        String classes = String.join(" ", needed.getAcrValuesList());
        return "Bearer error=\"insufficient_user_authentication\""
                + (classes.isEmpty() ? "" : ", acr_values=\"" + classes + "\"")
                + (needed.hasMaxLoginAge()
                        ? ", max_age=\"" + needed.getMaxLoginAge().getSeconds() + "\""
                        : "");
    }

    private static HttpAnswer refused(int status, String reason, String detail, String challenge) {
        String remedy = "Send a valid access token: Authorization: Bearer <token>.";
        return Finished.problem(status, reason, detail, remedy).toBuilder()
                .addHeaders(HttpHeader.newBuilder().setName("www-authenticate").setValue(challenge))
                .build();
    }

    @Override
    public void mintToken(MintTokenRequest asked, StreamObserver<MintTokenResponse> to) {
        mintsNone(to);
    }

    @Override
    public void getJwks(GetJwksRequest asked, StreamObserver<GetJwksResponse> to) {
        mintsNone(to);
    }

    private static void mintsNone(StreamObserver<?> to) {
        Reply.failure(
                to,
                Entrance.failure(
                        Status.Code.FAILED_PRECONDITION,
                        MintingOffException.REASON,
                        "The fake authority mints no tokens."));
    }
}
