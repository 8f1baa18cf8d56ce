package io.github.gatelodge;

import io.github.gatelodge.v1.RequestContext;
import io.github.gatelodge.v1.ValidateSessionRequest;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import org.jspecify.annotations.Nullable;

/**
 * Under what an answer is kept: all of the question that the answer depends on, as a digest. So no credential stays in
 * memory for it, a key is small however long a browser's headers are, and nobody outside can make two meet.
 */
final class Keys {
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.BIG_ENDIAN);
    private static final ThreadLocal<MessageDigest> SHA256 = ThreadLocal.withInitial(Keys::sha256);

    private final byte[] salt = new byte[32];

    /** The first half of a digest: two questions share one by chance alone, once in 2^128. */
    record Key(long high, long low) {}

    Keys() {
        new SecureRandom().nextBytes(salt);
    }

    /**
     * The key of a question, or null for one that has to be asked each time: its answer carries a token of its own, or
     * it is about a request that changes something.
     */
    @Nullable
    Key of(ValidateSessionRequest question) {
        boolean isAsked = question.getCookiesCount() == 0
                || question.getIssueCsrfToken()
                || Verdict.isCsrfNeeded(question)
                || question.getContext().hasUpgrade();
        if (isAsked) {
            return null;
        }
        MessageDigest digest = SHA256.get();
        digest.update(salt);
        byte[] whole = digest.digest(relevant(question).toByteArray());
        return new Key((long) LONG.get(whole, 0), (long) LONG.get(whole, Long.BYTES));
    }

    private static ValidateSessionRequest relevant(ValidateSessionRequest question) {
        ValidateSessionRequest.Builder left =
                question.toBuilder().clearAnswerJson().clearAsOfPosition();
        if (question.hasContext()) {
            // What is left of the context is what a client is known by; the rest says how to answer who has no session.
            RequestContext.Builder context = question.getContext().toBuilder();
            context.clearMethod().clearTarget().clearAccept().clearContentType().clearOrigin();
            context.clearSecFetchSite()
                    .clearSecFetchMode()
                    .clearSecFetchDest()
                    .clearXRequestedWith()
                    .clearCsrfToken();
            left.setContext(context.build());
        }
        return left.build();
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException impossible) {
            throw new IllegalStateException("every Java has SHA-256", impossible);
        }
    }
}
