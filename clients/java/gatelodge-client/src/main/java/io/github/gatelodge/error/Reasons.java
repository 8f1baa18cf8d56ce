package io.github.gatelodge.error;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Knows which exception stands for which reason. A new reason of the contract needs a class and a row here. */
final class Reasons {
    private Reasons() {}

    static Optional<GatelodgeException> exception(Failure failure) {
        return failure.reason() == null ? Optional.empty() : Optional.ofNullable(known(failure.reason(), failure));
    }

    private static @Nullable GatelodgeException known(String reason, Failure failure) {
        return switch (reason) {
            case CallerUnauthenticatedException.REASON -> new CallerUnauthenticatedException(failure);
            case CallerNotAllowedException.REASON -> new CallerNotAllowedException(failure);
            case InvalidFieldException.REASON -> new InvalidFieldException(failure);
            case ContextRequiredException.REASON -> new ContextRequiredException(failure);
            case StoreUnavailableException.REASON -> new StoreUnavailableException(failure);
            case KeyUnavailableException.REASON -> new KeyUnavailableException(failure);
            case ProviderUnavailableException.REASON -> new ProviderUnavailableException(failure);
            case ProviderRefusedException.REASON -> new ProviderRefusedException(failure);
            case NoRefreshTokenException.REASON -> new NoRefreshTokenException(failure);
            case AccessTokenExpiredException.REASON -> new AccessTokenExpiredException(failure);
            case RefreshInProgressException.REASON -> new RefreshInProgressException(failure);
            case SessionNotFoundException.REASON -> new SessionNotFoundException(failure);
            case DeadlineExceededException.REASON -> new DeadlineExceededException(failure);
            case MethodUnknownException.REASON -> new MethodUnknownException(failure);
            case InternalException.REASON -> new InternalException(failure);
            case OverloadedException.REASON -> new OverloadedException(failure);
            case AudienceRefusedException.REASON -> new AudienceRefusedException(failure);
            case MintingOffException.REASON -> new MintingOffException(failure);
            case ExchangeUnsupportedException.REASON -> new ExchangeUnsupportedException(failure);
            case TokenCheckOffException.REASON -> new TokenCheckOffException(failure);
            case UserInfoUnsupportedException.REASON -> new UserInfoUnsupportedException(failure);
            case StreamEndedException.REASON -> new StreamEndedException(failure);
            case TenantUnknownException.REASON -> new TenantUnknownException(failure);
            case RateLimitedException.REASON -> new RateLimitedException(failure);
            case IdempotencyKeyReusedException.REASON -> new IdempotencyKeyReusedException(failure);
            case CallerKeyLimitException.REASON -> new CallerKeyLimitException(failure);
            case AuditOffException.REASON -> new AuditOffException(failure);
            case RequestUnknownException.REASON -> new RequestUnknownException(failure);
            case UserNotFoundException.REASON -> new UserNotFoundException(failure);
            case VersionConflictException.REASON -> new VersionConflictException(failure);
            default -> null;
        };
    }
}
