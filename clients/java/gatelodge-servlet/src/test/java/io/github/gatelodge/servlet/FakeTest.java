package io.github.gatelodge.servlet;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.protobuf.ByteString;
import com.google.protobuf.Timestamp;
import io.github.gatelodge.GatelodgeClient;
import io.github.gatelodge.SessionChecks;
import io.github.gatelodge.error.UnreachableException;
import io.github.gatelodge.error.UserNotFoundException;
import io.github.gatelodge.error.VersionConflictException;
import io.github.gatelodge.testing.FakeAuthority;
import io.github.gatelodge.testing.Person;
import io.github.gatelodge.testing.SignedIn;
import io.github.gatelodge.v1.AdminServiceGrpc;
import io.github.gatelodge.v1.AdminServiceRevokeRequest;
import io.github.gatelodge.v1.CheckSessionsRequest;
import io.github.gatelodge.v1.CheckSessionsResponse;
import io.github.gatelodge.v1.Cookie;
import io.github.gatelodge.v1.CsrfRequirement;
import io.github.gatelodge.v1.DeleteUserRequest;
import io.github.gatelodge.v1.DisableUserRequest;
import io.github.gatelodge.v1.EnableUserRequest;
import io.github.gatelodge.v1.GetAccessTokenRequest;
import io.github.gatelodge.v1.GetAttributesRequest;
import io.github.gatelodge.v1.GetUserRequest;
import io.github.gatelodge.v1.ListSessionsRequest;
import io.github.gatelodge.v1.ListUsersRequest;
import io.github.gatelodge.v1.LoginServiceGrpc;
import io.github.gatelodge.v1.PreviewRevokeRequest;
import io.github.gatelodge.v1.ProviderSession;
import io.github.gatelodge.v1.Requirements;
import io.github.gatelodge.v1.SessionServiceGrpc;
import io.github.gatelodge.v1.TokenServiceGrpc;
import io.github.gatelodge.v1.UpdateAttributesRequest;
import io.github.gatelodge.v1.UserState;
import io.github.gatelodge.v1.ValidateSessionRequest;
import io.grpc.CallOptions;
import io.grpc.ClientInterceptors;
import io.grpc.Metadata;
import io.grpc.MethodDescriptor;
import io.grpc.ServiceDescriptor;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.ClientCalls;
import io.grpc.stub.MetadataUtils;
import java.io.ByteArrayInputStream;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What applications' tests can do with the fake authority beyond the scenarios of all languages. */
class FakeTest {
    private final FakeAuthority authority = new FakeAuthority();
    private final GatelodgeClient client = authority.client();

    @AfterEach
    void end() {
        authority.close();
    }

    private static Cookie cookie(String value) {
        return Cookie.newBuilder()
                .setName(FakeAuthority.COOKIE_NAME)
                .setValue(ByteString.copyFromUtf8(value))
                .build();
    }

    private static Cookie cookieOf(SignedIn who) {
        return cookie(who.cookie().substring(FakeAuthority.COOKIE_NAME.length() + 1));
    }

    @Test
    void everyMethodOfTheContractIsAnswered() {
        Metadata key = new Metadata();
        key.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + FakeAuthority.API_KEY);
        var channel = ClientInterceptors.intercept(authority.channel(), MetadataUtils.newAttachHeadersInterceptor(key));
        for (ServiceDescriptor service : List.of(
                LoginServiceGrpc.getServiceDescriptor(),
                SessionServiceGrpc.getServiceDescriptor(),
                TokenServiceGrpc.getServiceDescriptor(),
                AdminServiceGrpc.getServiceDescriptor())) {
            for (MethodDescriptor<?, ?> method : service.getMethods()) {
                if (method.getType() != MethodDescriptor.MethodType.UNARY) {
                    continue;
                }
                try {
                    ask(channel, method);
                } catch (StatusRuntimeException failed) {
                    assertNotEquals(
                            Status.Code.UNIMPLEMENTED, failed.getStatus().getCode(), method.toString());
                }
            }
        }
    }

    private static <Q, A> void ask(io.grpc.Channel channel, MethodDescriptor<Q, A> method) {
        Q empty = method.parseRequest(new ByteArrayInputStream(new byte[0]));
        ClientCalls.blockingUnaryCall(channel, method, CallOptions.DEFAULT, empty);
    }

    @Test
    void aStreamOfChecksAnswersAsCallsDo() {
        SignedIn ada = authority.signIn("google_1");
        try (SessionChecks checks = client.sessions().checkSessions()) {
            var required = Requirements.newBuilder().setCsrf(CsrfRequirement.CSRF_REQUIREMENT_REQUIRED);
            var question = ValidateSessionRequest.newBuilder().addCookies(cookieOf(ada));
            checks.ask(asked(1, question));
            checks.ask(asked(2, ValidateSessionRequest.newBuilder().addCookies(cookie("x"))));
            checks.ask(asked(3, question.clone().setRequirements(required)));
            assertEquals(
                    "google_1",
                    next(checks, 1).getAnswer().getActive().getIdentity().getUserId());
            assertEquals(true, next(checks, 2).getAnswer().hasInactive());
            CheckSessionsResponse refused = next(checks, 3);
            assertEquals("CONTEXT_REQUIRED", refused.getError().getReason());
            assertEquals("req-3", refused.getError().getRequestId());
            authority.away();
            checks.ask(asked(4, question));
            assertThrows(UnreachableException.class, checks::hasNext);
        }
    }

    private static CheckSessionsRequest asked(long id, ValidateSessionRequest.Builder question) {
        return CheckSessionsRequest.newBuilder()
                .setId(id)
                .setQuestion(question)
                .setRequestId("req-" + id)
                .build();
    }

    private static CheckSessionsResponse next(SessionChecks checks, long id) {
        CheckSessionsResponse said = checks.next();
        assertEquals(id, said.getId());
        return said;
    }

    @Test
    void attributesAreKeptByTheirVersion() {
        Cookie cookie = cookieOf(authority.signIn("google_1"));
        var set = UpdateAttributesRequest.newBuilder()
                .addCookies(cookie)
                .putSet("cart", ByteString.copyFromUtf8("7"))
                .putSet("theme", ByteString.copyFromUtf8("dark"))
                .build();
        assertEquals(1, client.sessions().updateAttributes(set).getAttributes().getVersion());
        assertThrows(VersionConflictException.class, () -> client.sessions().updateAttributes(set));
        var remove = UpdateAttributesRequest.newBuilder()
                .addCookies(cookie)
                .setExpectedVersion(1)
                .addRemove("theme");
        client.sessions().updateAttributes(remove.build());
        var question = GetAttributesRequest.newBuilder().addCookies(cookie).build();
        var kept = client.sessions().getAttributes(question).getAttributes();
        assertEquals(2, kept.getVersion());
        assertEquals(Map.of("cart", ByteString.copyFromUtf8("7")), kept.getValuesMap());
        var nobodys = GetAttributesRequest.newBuilder().addCookies(cookie("x")).build();
        assertEquals(true, client.sessions().getAttributes(nobodys).hasInactive());
    }

    @Test
    void anAdminListsAndEndsWhatIsNamedAndNoMore() {
        authority.signIn(Person.of("google_1").withProvider("google").withProviderSession("s1"));
        authority.signIn(Person.of("google_1").withProvider("google"));
        authority.signIn(Person.of("github_1").withProvider("github").withProviderSession("s1"));
        var longAgo = Timestamp.newBuilder().setSeconds(1);
        assertEquals(2, listed(ListSessionsRequest.newBuilder().setUserId("google_1")));
        assertEquals(1, listed(ListSessionsRequest.newBuilder().setProvider("github")));
        assertEquals(
                1, listed(ListSessionsRequest.newBuilder().setProvider("google").setProviderSessionId("s1")));
        assertEquals(0, listed(ListSessionsRequest.newBuilder().setCreatedBefore(longAgo)));
        assertEquals(3, listed(ListSessionsRequest.newBuilder().setCreatedAfter(longAgo)));
        var own = ProviderSession.newBuilder().setProvider("google").setProviderSessionId("s1");
        var preview = PreviewRevokeRequest.newBuilder().setProviderSession(own).build();
        assertEquals(1, client.admin().previewRevoke(preview).getCount());
        var revoke =
                AdminServiceRevokeRequest.newBuilder().setProviderSession(own).build();
        assertEquals(1, client.admin().revoke(revoke).getRevokedCount());
        assertEquals(2, listed(ListSessionsRequest.newBuilder()));
    }

    private int listed(ListSessionsRequest.Builder filter) {
        return client.admin().listSessions(filter.build()).getSessionsCount();
    }

    @Test
    void aUserWhoIsDisabledHasNoSession() {
        authority.signIn("google_1");
        authority.signIn("google_2");
        var disable = DisableUserRequest.newBuilder().setUserId("google_1").build();
        assertEquals(1, client.admin().disableUser(disable).getRevokedCount());
        assertEquals(UserState.USER_STATE_DISABLED, stateOf("google_1"));
        client.admin()
                .enableUser(EnableUserRequest.newBuilder().setUserId("google_1").build());
        assertEquals(UserState.USER_STATE_ACTIVE, stateOf("google_1"));
        var delete = DeleteUserRequest.newBuilder().setUserId("google_2").build();
        assertEquals(1, client.admin().deleteUser(delete).getRevokedCount());
        assertEquals(UserState.USER_STATE_DELETED, stateOf("google_2"));
        assertEquals(
                1,
                client.admin().listUsers(ListUsersRequest.getDefaultInstance()).getUsersCount());
        assertThrows(UserNotFoundException.class, () -> stateOf("google_9"));
    }

    private UserState stateOf(String userId) {
        var question = GetUserRequest.newBuilder().setUserId(userId).build();
        return client.admin().getUser(question).getUser().getState();
    }

    @Test
    void aTokenIsForTheAudienceThatWasAskedFor() {
        var question = GetAccessTokenRequest.newBuilder()
                .addCookies(cookieOf(authority.signIn("google_1")))
                .setAudience("orders")
                .build();
        assertEquals(
                "orders",
                client.sessions().getAccessToken(question).getAccessToken().getAudience());
    }
}
