package io.github.gatelodge.servlet;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTimeout;

import com.google.protobuf.ByteString;
import io.github.gatelodge.ClientOptions;
import io.github.gatelodge.GatelodgeClient;
import io.github.gatelodge.Verdict;
import io.github.gatelodge.error.UnreachableException;
import io.github.gatelodge.testing.FakeAuthority;
import io.github.gatelodge.testing.SignedIn;
import io.github.gatelodge.v1.AdminServiceRevokeRequest;
import io.github.gatelodge.v1.Cookie;
import io.github.gatelodge.v1.DeniedReason;
import io.github.gatelodge.v1.ValidateSessionRequest;
import io.grpc.CallOptions;
import io.grpc.Channel;
import io.grpc.ClientCall;
import io.grpc.ClientInterceptor;
import io.grpc.ClientInterceptors;
import io.grpc.MethodDescriptor;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a client keeps of the fake's answers, and that it hears of every change before a test's next line. */
class KeepingTest {
    private final FakeAuthority authority = new FakeAuthority();
    private final SignedIn ada = authority.signIn("google_1");
    private final SignedIn bob = authority.signIn("google_2");
    private final AtomicInteger asked = new AtomicInteger();
    private final GatelodgeClient client = GatelodgeClient.create(
            ClientOptions.of("", FakeAuthority.API_KEY).withChannel(counting(authority.channel())));

    private Channel counting(Channel channel) {
        return ClientInterceptors.intercept(channel, new ClientInterceptor() {
            @Override
            public <Q, A> ClientCall<Q, A> interceptCall(
                    MethodDescriptor<Q, A> method, CallOptions options, Channel next) {
                if ("ValidateSession".equals(method.getBareMethodName())) {
                    asked.incrementAndGet();
                }
                return next.newCall(method, options);
            }
        });
    }

    @AfterEach
    void end() {
        client.close();
        authority.close();
    }

    private Verdict check(SignedIn who) {
        Cookie cookie = Cookie.newBuilder()
                .setName("session")
                .setValue(ByteString.copyFromUtf8(who.credential()))
                .build();
        return client.sessions()
                .check(ValidateSessionRequest.newBuilder().addCookies(cookie).build());
    }

    /** Asks until an answer is kept: after trouble the client watches again a moment later. */
    private void know(SignedIn who) {
        assertTimeout(Duration.ofSeconds(20), () -> {
            int before;
            do {
                before = asked.get();
                assertInstanceOf(Verdict.Active.class, check(who));
                Thread.sleep(1);
            } while (asked.get() > before);
        });
    }

    @Test
    void whatATestEndsIsEndedAtItsNextLine() {
        for (int round = 0; round < 20; round++) {
            SignedIn one = authority.signIn("google_1");
            know(one);
            one.end();
            assertInstanceOf(Verdict.Inactive.class, check(one));
        }
    }

    @Test
    void othersStayKnown() {
        know(ada);
        know(bob);
        ada.end();
        int before = asked.get();
        assertInstanceOf(Verdict.Active.class, check(bob));
        assertEquals(before, asked.get());
    }

    @Test
    void denialsRevocationsAndTroubleAreFeltAtOnce() {
        know(ada);
        authority.deny(DeniedReason.DENIED_REASON_SCOPE_MISSING);
        assertInstanceOf(Verdict.Denied.class, check(ada));
        authority.deny(DeniedReason.DENIED_REASON_UNSPECIFIED);
        know(ada);
        authority.away();
        assertThrows(UnreachableException.class, () -> check(ada));
        authority.back();
        know(ada);
        know(bob);
        client.admin()
                .revoke(AdminServiceRevokeRequest.newBuilder()
                        .setSessionId(ada.sessionId())
                        .build());
        assertInstanceOf(Verdict.Inactive.class, check(ada));
        assertInstanceOf(Verdict.Active.class, check(bob));
    }
}
