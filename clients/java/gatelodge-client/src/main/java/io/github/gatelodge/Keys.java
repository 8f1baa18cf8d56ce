package io.github.gatelodge;

import com.google.protobuf.ByteString;
import io.github.gatelodge.v1.Cookie;
import io.github.gatelodge.v1.RequestContext;
import io.github.gatelodge.v1.ValidateSessionRequest;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;
import java.security.SecureRandom;
import java.util.Arrays;
import org.jspecify.annotations.Nullable;

/**
 * Under what an answer is kept: all of the question that the answer depends on, written one after the other. It is
 * found by a hash whose salt nobody outside knows, and is the same when all of it is.
 */
final class Keys {
    private static final VarHandle INT = MethodHandles.byteArrayViewVarHandle(int[].class, ByteOrder.nativeOrder());
    private static final VarHandle LONG = MethodHandles.byteArrayViewVarHandle(long[].class, ByteOrder.nativeOrder());
    private static final int COUNTS = 4;

    private final long salt;
    private final long factor;

    Keys() {
        SecureRandom random = new SecureRandom();
        this.salt = random.nextLong();
        this.factor = random.nextLong() | 1;
    }

    /** One question among those that are kept. */
    static final class Key {
        private final byte[] text;
        private final int hash;

        private Key(byte[] text, int hash) {
            this.text = text;
            this.hash = hash;
        }

        /** How large it is, in bytes. */
        int size() {
            return text.length;
        }

        @Override
        public boolean equals(@Nullable Object other) {
            return other instanceof Key key && hash == key.hash && Arrays.equals(text, key.text);
        }

        @Override
        public int hashCode() {
            return hash;
        }
    }

    /**
     * The key of a question, or null for one that has to be asked each time: its answer carries a token of its own, it
     * is about a request that changes something, or it says itself how fresh the answer has to be.
     */
    @Nullable
    Key of(ValidateSessionRequest question) {
        boolean isAsked = question.getCookiesCount() == 0
                || question.getIssueCsrfToken()
                || !question.getAsOfPosition().isEmpty()
                || Verdict.isCsrfNeeded(question)
                || question.getContext().hasUpgrade();
        if (isAsked) {
            return null;
        }
        ByteString[] parts = parts(question);
        byte[] text = written(question, parts);
        return new Key(text, hash(text));
    }

    /** What a yes depends on. Of the context it is what tells clients, their places and their tenants apart. */
    private static ByteString[] parts(ValidateSessionRequest question) {
        RequestContext context = question.getContext();
        ByteString[] parts = new ByteString
                [2 * question.getCookiesCount() + 7 + context.getXForwardedForCount() + context.getForwardedCount()];
        int at = 0;
        for (int index = 0; index < question.getCookiesCount(); index++) {
            Cookie cookie = question.getCookies(index);
            parts[at++] = cookie.getNameBytes();
            parts[at++] = cookie.getValue();
        }
        parts[at++] = question.getRequirements().toByteString();
        parts[at++] = context.getHost();
        parts[at++] = context.getPeerAddress();
        parts[at++] = context.getUserAgent();
        parts[at++] = context.getAcceptLanguage();
        parts[at++] = context.getXTenantId();
        parts[at++] = context.getPlace();
        for (int index = 0; index < context.getXForwardedForCount(); index++) {
            parts[at++] = context.getXForwardedFor(index);
        }
        for (int index = 0; index < context.getForwardedCount(); index++) {
            parts[at++] = context.getForwarded(index);
        }
        return parts;
    }

    /** Which of them are there at all, and what else is a yes or no. */
    private static int flags(ValidateSessionRequest question) {
        RequestContext context = question.getContext();
        return flag(0, question.getCanSetCookies())
                | flag(1, question.hasTouch())
                | flag(2, question.getTouch())
                | flag(3, question.hasContext())
                | flag(4, context.hasHost())
                | flag(5, context.hasPeerAddress())
                | flag(6, context.hasUserAgent())
                | flag(7, context.hasAcceptLanguage())
                | flag(8, context.hasXTenantId())
                | flag(9, context.hasPlace());
    }

    private static int flag(int at, boolean isSet) {
        return isSet ? 1 << at : 0;
    }

    /** Each part with its length before it, so that no two questions give one text. */
    private static byte[] written(ValidateSessionRequest question, ByteString[] parts) {
        int size = Integer.BYTES * (COUNTS + parts.length);
        for (ByteString part : parts) {
            size += part.size();
        }
        byte[] text = new byte[size];
        RequestContext context = question.getContext();
        INT.set(text, 0, flags(question));
        INT.set(text, Integer.BYTES, question.getCookiesCount());
        INT.set(text, 2 * Integer.BYTES, context.getXForwardedForCount());
        INT.set(text, 3 * Integer.BYTES, context.getForwardedCount());
        int at = COUNTS * Integer.BYTES;
        for (ByteString part : parts) {
            INT.set(text, at, part.size());
            part.copyTo(text, at + Integer.BYTES);
            at += Integer.BYTES + part.size();
        }
        return text;
    }

    private int hash(byte[] text) {
        long hash = salt;
        int at = 0;
        for (; at + Long.BYTES <= text.length; at += Long.BYTES) {
            hash = mixed(hash ^ (long) LONG.get(text, at));
        }
        for (; at < text.length; at++) {
            hash = mixed(hash ^ text[at]);
        }
        return (int) hash;
    }

    private long mixed(long hash) {
        long product = hash * factor;
        return product ^ (product >>> 32);
    }
}
