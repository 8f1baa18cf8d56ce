package io.github.gatelodge;

import com.google.protobuf.ByteString;
import io.github.gatelodge.v1.Cookie;
import io.github.gatelodge.v1.RequestContext;
import io.github.gatelodge.v1.ValidateSessionRequest;
import io.github.gatelodge.v1.ValidateSessionResponse;
import io.github.gatelodge.v1.WatchSessionsResponse;
import java.util.Arrays;

/** How many checks a second one core answers from what is kept: the median of several rounds, after two for warmth. */
final class KeptBench {
    private static final int ROUNDS = 7;
    private static final long ROUND = 500_000_000L;

    private KeptBench() {}

    public static void main(String[] arguments) {
        Kept kept = new Kept(16_384, System::nanoTime);
        hear(kept);
        ValidateSessionRequest question = question();
        ValidateSessionRequest key = Keeping.key(question);
        Kept.Look look = kept.look(key);
        ValidateSessionResponse answer = answer();
        kept.answered(key, look.flight(), answer, Verdict.read(question, answer));
        kept.ended(key, look.flight());
        long[] rounds = new long[ROUNDS];
        for (int round = -2; round < ROUNDS; round++) {
            hear(kept);
            long count = 0;
            long begun = System.nanoTime();
            while (System.nanoTime() - begun < ROUND) {
                for (int one = 0; one < 1000; one++) {
                    if (kept.look(Keeping.key(question)).known() == null) {
                        throw new IllegalStateException("it is not known");
                    }
                }
                count += 1000;
            }
            if (round >= 0) {
                rounds[round] = count * 1_000_000_000L / (System.nanoTime() - begun);
            }
        }
        Arrays.sort(rounds);
        System.out.println(rounds[ROUNDS / 2]);
    }

    private static void hear(Kept kept) {
        kept.hear(WatchSessionsResponse.newBuilder()
                .setPosition(ByteString.copyFromUtf8("1"))
                .setMaxStaleness(com.google.protobuf.Duration.newBuilder().setSeconds(5))
                .build());
    }

    /** As an edge asks for a browser. */
    private static ValidateSessionRequest question() {
        RequestContext.Builder context = RequestContext.newBuilder()
                .setMethod(ByteString.copyFromUtf8("GET"))
                .setTarget(ByteString.copyFromUtf8("/private?a=b"))
                .setHost(ByteString.copyFromUtf8("app.example.com"))
                .setPeerAddress(ByteString.copyFromUtf8("192.0.2.7"))
                .setUserAgent(
                        ByteString.copyFromUtf8("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0"))
                .setAcceptLanguage(ByteString.copyFromUtf8("en-GB,en;q=0.9"))
                .setAccept(ByteString.copyFromUtf8("text/html,application/xhtml+xml,*/*;q=0.8"))
                .setSecFetchSite(ByteString.copyFromUtf8("same-origin"))
                .setSecFetchMode(ByteString.copyFromUtf8("navigate"))
                .setSecFetchDest(ByteString.copyFromUtf8("document"));
        return ValidateSessionRequest.newBuilder()
                .addCookies(Cookie.newBuilder().setName("session").setValue(ByteString.copyFromUtf8("x".repeat(90))))
                .setContext(context)
                .setCanSetCookies(true)
                .build();
    }

    private static ValidateSessionResponse answer() {
        ValidateSessionResponse.Builder answer = ValidateSessionResponse.newBuilder();
        answer.getActiveBuilder().getIdentityBuilder().setUserId("google_1");
        answer.getActiveBuilder().getSessionBuilder().setSessionId("sid_1");
        answer.getActiveBuilder()
                .setEventPosition(ByteString.copyFromUtf8("1"))
                .getKeepForBuilder()
                .setSeconds(600);
        return answer.build();
    }
}
