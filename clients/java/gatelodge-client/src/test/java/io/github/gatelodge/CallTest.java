package io.github.gatelodge;

import static io.github.gatelodge.ScriptedAuthority.failure;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.github.gatelodge.ScriptedAuthority.Call;
import io.github.gatelodge.error.DeadlineExceededException;
import io.github.gatelodge.error.GatelodgeException;
import io.github.gatelodge.error.InconclusiveException;
import io.github.gatelodge.error.StoreUnavailableException;
import io.github.gatelodge.error.TenantUnknownException;
import io.github.gatelodge.error.UnreachableException;
import io.github.gatelodge.v1.AdminServiceGrpc;
import io.github.gatelodge.v1.AdminServiceRevokeRequest;
import io.github.gatelodge.v1.CheckSessionsRequest;
import io.github.gatelodge.v1.DeleteUserRequest;
import io.github.gatelodge.v1.DisableUserRequest;
import io.github.gatelodge.v1.ErrorReason;
import io.github.gatelodge.v1.GetAccessTokenRequest;
import io.github.gatelodge.v1.GetAccessTokenResponse;
import io.github.gatelodge.v1.GetEdgeSettingsRequest;
import io.github.gatelodge.v1.HandleBackchannelLogoutRequest;
import io.github.gatelodge.v1.HandleFrontchannelLogoutRequest;
import io.github.gatelodge.v1.ListSessionsRequest;
import io.github.gatelodge.v1.ListSessionsResponse;
import io.github.gatelodge.v1.LoginServiceGrpc;
import io.github.gatelodge.v1.SessionFilter;
import io.github.gatelodge.v1.SessionServiceGrpc;
import io.github.gatelodge.v1.SessionServiceRevokeRequest;
import io.github.gatelodge.v1.StartLoginRequest;
import io.github.gatelodge.v1.StartLogoutRequest;
import io.github.gatelodge.v1.TokenServiceGrpc;
import io.github.gatelodge.v1.UpdateAttributesRequest;
import io.github.gatelodge.v1.ValidateSessionRequest;
import io.github.gatelodge.v1.WatchSessionsRequest;
import io.grpc.MethodDescriptor;
import io.grpc.ServiceDescriptor;
import io.grpc.Status;
import java.lang.reflect.Method;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class CallTest extends BeforeScriptedAuthority {
    private static final ValidateSessionRequest QUESTION = ValidateSessionRequest.getDefaultInstance();
    private static final String VALIDATE = "ValidateSession";
    private static final Object OK = "";

    @Test
    void aChangeOfAttributesIsNeverRepeatedByItself() {
        authority.say("UpdateAttributes", failure(Status.Code.UNAVAILABLE, "STORE_UNAVAILABLE", 0), OK);
        var question = UpdateAttributesRequest.getDefaultInstance();
        assertThrows(StoreUnavailableException.class, () -> client.sessions().updateAttributes(question));
        assertEquals(1, authority.calls("UpdateAttributes").size());
    }

    @Test
    void whatEndsSessionsHasEightSecondsAndALogoutOneRepeat() {
        var away = failure(Status.Code.UNAVAILABLE, "STORE_UNAVAILABLE", 0);
        for (String logout : List.of("StartLogout", "HandleBackchannelLogout", "HandleFrontchannelLogout")) {
            authority.say(logout, away, away, OK);
        }
        assertThrows(StoreUnavailableException.class, () -> client.login()
                .startLogout(StartLogoutRequest.getDefaultInstance()));
        assertThrows(StoreUnavailableException.class, () -> client.login()
                .handleBackchannelLogout(HandleBackchannelLogoutRequest.getDefaultInstance()));
        assertThrows(StoreUnavailableException.class, () -> client.login()
                .handleFrontchannelLogout(HandleFrontchannelLogoutRequest.getDefaultInstance()));
        client.sessions().revoke(SessionServiceRevokeRequest.getDefaultInstance());
        client.admin().revoke(AdminServiceRevokeRequest.getDefaultInstance());
        client.admin().disableUser(DisableUserRequest.getDefaultInstance());
        client.admin().deleteUser(DeleteUserRequest.getDefaultInstance());
        Map<String, Integer> expected = Map.of(
                "StartLogout", 2,
                "HandleBackchannelLogout", 2,
                "HandleFrontchannelLogout", 2,
                "Revoke", 2,
                "DisableUser", 1,
                "DeleteUser", 1);
        expected.forEach((method, count) -> {
            List<Call> calls = authority.calls(method);
            assertEquals(count, calls.size(), method);
            double left = calls.get(0).secondsLeft();
            assertTrue(left > 7 && left <= 8, method + " has " + left + " s");
        });
    }

    @Test
    void aTokenForAnotherAudienceIsNone() {
        var forApi = GetAccessTokenResponse.newBuilder();
        forApi.getAccessTokenBuilder().setAudience("api");
        var asked = GetAccessTokenRequest.newBuilder().setAudience("api").build();
        var plain = GetAccessTokenRequest.getDefaultInstance();
        var old = GetAccessTokenResponse.newBuilder();
        old.getAccessTokenBuilder().setValue("for the session");
        authority.say("GetAccessToken", forApi.build(), forApi.build(), old.build(), old.build());
        assertEquals(
                "api", client.sessions().getAccessToken(asked).getAccessToken().getAudience());
        assertThrows(InconclusiveException.class, () -> client.sessions().getAccessToken(plain));
        assertThrows(InconclusiveException.class, () -> client.sessions().getAccessToken(asked));
        assertEquals(
                "for the session",
                client.sessions().getAccessToken(plain).getAccessToken().getValue());
    }

    @Test
    void aRefusedTenantIsNotTakenForARefusedKey() {
        authority.say(VALIDATE, failure(Status.Code.PERMISSION_DENIED, "TENANT_UNKNOWN", 0));
        var refused = assertThrows(
                TenantUnknownException.class, () -> client.sessions().validateSession(QUESTION));
        assertTrue(refused.isAboutTenant() && !refused.isAboutKey());
        assertTrue(refused.getMessage().endsWith("check GATELODGE_TENANT"), refused.getMessage());
    }

    @Test
    void aListThatAnOldAuthorityDidNotFilterIsNone() {
        authority.say("ListSessions", OK);
        var asked = ListSessionsRequest.newBuilder().setUserId("google_1");
        assertEquals(0, client.admin().listSessions(asked.build()).getSessionsCount(), "that filter is older");
        asked.setProvider("google");
        assertThrows(InconclusiveException.class, () -> client.admin().listSessions(asked.build()));
        authority.say(
                "ListSessions",
                ListSessionsResponse.newBuilder()
                        .setAppliedFilter(
                                SessionFilter.newBuilder().setUserId("google_1").setProvider("google"))
                        .build());
        assertEquals(0, client.admin().listSessions(asked.build()).getSessionsCount());
    }

    @Test
    void everyMethodOfTheContractIsATypedCall() throws Exception {
        Map<ServiceDescriptor, Object> services = Map.of(
                LoginServiceGrpc.getServiceDescriptor(), client.login(),
                SessionServiceGrpc.getServiceDescriptor(), client.sessions(),
                TokenServiceGrpc.getServiceDescriptor(), client.tokens(),
                AdminServiceGrpc.getServiceDescriptor(), client.admin());
        for (Map.Entry<ServiceDescriptor, Object> service : services.entrySet()) {
            for (MethodDescriptor<?, ?> method : service.getKey().getMethods()) {
                String bare = String.valueOf(method.getBareMethodName());
                String name = Character.toLowerCase(bare.charAt(0)) + bare.substring(1);
                Method call = Arrays.stream(service.getValue().getClass().getMethods())
                        .filter(one -> one.getName().equals(name))
                        .findFirst()
                        .orElseThrow(() -> new AssertionError(method.getFullMethodName() + " can't be called"));
                int before = authority.calls(bare).size();
                if (method.getType() == MethodDescriptor.MethodType.BIDI_STREAMING) {
                    try (SessionChecks checks = (SessionChecks) call.invoke(service.getValue())) {
                        checks.ask(CheckSessionsRequest.getDefaultInstance());
                        assertTrue(checks.hasNext(), name);
                    }
                    assertEquals(before + 1, authority.calls(bare).size(), name);
                    continue;
                }
                Object question = call.getParameterTypes()[0]
                        .getMethod("getDefaultInstance")
                        .invoke(null);
                if (call.invoke(service.getValue(), question) instanceof Watch<?> watch) {
                    assertTrue(watch.hasNext(), name);
                }
                assertEquals(before + 1, authority.calls(bare).size(), name);
            }
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = ErrorReason.class,
            mode = EnumSource.Mode.EXCLUDE,
            names = {"ERROR_REASON_UNSPECIFIED", "UNRECOGNIZED"})
    void everyReasonOfTheContractHasAnExceptionOfItsOwn(ErrorReason reason) {
        String word = reason.name().substring("ERROR_REASON_".length());
        String expected = Arrays.stream(word.split("_"))
                .map(part -> part.charAt(0) + part.substring(1).toLowerCase(java.util.Locale.ROOT))
                .collect(Collectors.joining("", "", "Exception"));
        authority.say(VALIDATE, failure(Status.Code.INTERNAL, word, 0));
        GatelodgeException failed =
                assertThrows(GatelodgeException.class, () -> client.sessions().validateSession(QUESTION));
        assertEquals(expected, failed.getClass().getSimpleName());
        assertEquals(word, failed.reason().orElseThrow());
        assertEquals("req-7", failed.requestId().orElseThrow());
    }

    @Test
    void keyDeadlineAndRequestIdGoWithACall() {
        client.forRequest("req-1").sessions().validateSession(QUESTION);
        Call call = authority.calls(VALIDATE).get(0);
        assertEquals("Bearer " + ScriptedAuthority.KEY, call.authorization());
        assertEquals("req-1", call.requestId());
        assertTrue(call.secondsLeft() > 1.5 && call.secondsLeft() <= 2, call.toString());
    }

    @Test
    void aSafeCallIsRepeatedNoSoonerThanAskedFor() {
        authority.say(VALIDATE, failure(Status.Code.UNAVAILABLE, "STORE_UNAVAILABLE", 0.4), OK);
        client.sessions().validateSession(QUESTION);
        List<Call> calls = authority.calls(VALIDATE);
        assertEquals(2, calls.size());
        assertTrue(calls.get(1).at() - calls.get(0).at() >= 400_000_000, "too soon");
    }

    @Test
    void aWaitThatDoesNotFitIsNotWaited() {
        authority.say(VALIDATE, failure(Status.Code.UNAVAILABLE, "STORE_UNAVAILABLE", 30));
        long begun = System.nanoTime();
        StoreUnavailableException failed = assertThrows(
                StoreUnavailableException.class, () -> client.sessions().validateSession(QUESTION));
        assertTrue(System.nanoTime() - begun < 1_000_000_000L, "it waited");
        assertEquals(Duration.ofSeconds(30), failed.retryAfter().orElseThrow());
        assertTrue(failed.isRetryable());
    }

    @Test
    void anAuthorityThatIsNotReachedIsAskedOnceMore() {
        authority.say(VALIDATE, failure(Status.Code.UNAVAILABLE, "", 0));
        assertThrows(UnreachableException.class, () -> client.sessions().validateSession(QUESTION));
        List<Call> calls = authority.calls(VALIDATE);
        assertEquals(2, calls.size());
        assertTrue(calls.get(1).at() - calls.get(0).at() >= 250_000_000, "too soon");
    }

    @Test
    void aProviderInTroubleIsNotAskedAgain() {
        authority.say(VALIDATE, failure(Status.Code.UNAVAILABLE, "PROVIDER_UNAVAILABLE", 0), OK);
        assertThrows(GatelodgeException.class, () -> client.sessions().validateSession(QUESTION));
        assertEquals(1, authority.calls(VALIDATE).size());
    }

    @Test
    void aLoginIsNeverRepeatedAndALogoutOnce() {
        authority.say("StartLogin", failure(Status.Code.UNAVAILABLE, "STORE_UNAVAILABLE", 0));
        authority.say("StartLogout", failure(Status.Code.UNAVAILABLE, "STORE_UNAVAILABLE", 0));
        assertThrows(GatelodgeException.class, () -> client.login().startLogin(StartLoginRequest.getDefaultInstance()));
        assertThrows(
                GatelodgeException.class, () -> client.login().startLogout(StartLogoutRequest.getDefaultInstance()));
        assertEquals(1, authority.calls("StartLogin").size());
        assertEquals(2, authority.calls("StartLogout").size());
    }

    @Test
    void aChangeThatDependsOnWhatWasReadIsNotRepeated() {
        authority.say("UpdateAttributes", failure(Status.Code.UNAVAILABLE, "STORE_UNAVAILABLE", 0), OK);
        UpdateAttributesRequest change = UpdateAttributesRequest.getDefaultInstance();
        assertThrows(StoreUnavailableException.class, () -> client.sessions().updateAttributes(change));
        assertEquals(1, authority.calls("UpdateAttributes").size());
    }

    @ParameterizedTest
    @EnumSource(
            value = Status.Code.class,
            mode = EnumSource.Mode.EXCLUDE,
            names = {"OK", "UNAVAILABLE"})
    void noOtherStatusIsRepeated(Status.Code code) {
        authority.say(VALIDATE, failure(code, "OTHER", 0), OK);
        GatelodgeException failed =
                assertThrows(GatelodgeException.class, () -> client.sessions().validateSession(QUESTION));
        assertEquals(code, failed.code());
        assertEquals(1, authority.calls(VALIDATE).size());
        assertFalse(failed.isRetryable());
    }

    @Test
    void noAnswerInTimeIsAFailureOfItsOwn() {
        authority.say(VALIDATE, ScriptedAuthority.NEVER);
        GatelodgeClient hurried = client.withTimeout(Duration.ofMillis(200));
        assertThrows(DeadlineExceededException.class, () -> hurried.sessions().validateSession(QUESTION));
    }

    @Test
    void aRepeatThatRunsOutOfTimeFailsAsTheFirstTryDid() {
        authority.say(VALIDATE, failure(Status.Code.UNAVAILABLE, "STORE_UNAVAILABLE", 0), ScriptedAuthority.NEVER);
        GatelodgeClient hurried = client.withTimeout(Duration.ofMillis(400));
        assertThrows(StoreUnavailableException.class, () -> hurried.sessions().validateSession(QUESTION));
    }

    @Test
    void whatIsWatchedComesUntilItIsClosedOrBreaksOff() {
        SessionWatch watch = client.sessions().watchSessions(WatchSessionsRequest.getDefaultInstance());
        assertTrue(watch.hasNext());
        assertFalse(watch.next().getReset());
        assertFalse(watch.hasNext(), "the authority has ended it");
        authority.say("WatchSessions", ScriptedAuthority.NEVER);
        SessionWatch closed = client.sessions().watchSessions(WatchSessionsRequest.getDefaultInstance());
        closed.close();
        assertFalse(closed.hasNext());
        authority.say("WatchSessions", failure(Status.Code.UNAVAILABLE, "STORE_UNAVAILABLE", 0));
        SessionWatch broken = client.sessions().watchSessions(WatchSessionsRequest.getDefaultInstance());
        assertThrows(StoreUnavailableException.class, broken::hasNext);
    }

    @Test
    void aWrongKeyIsSaidSoAndNotShown() {
        authority.say(VALIDATE, failure(Status.Code.UNAUTHENTICATED, "CALLER_UNAUTHENTICATED", 0));
        GatelodgeException failed =
                assertThrows(GatelodgeException.class, () -> client.sessions().validateSession(QUESTION));
        assertTrue(failed.isAboutKey());
        assertTrue(failed.toString().contains("check GATELODGE_API_KEY"), failed.toString());
        assertFalse(failed.toString().contains(ScriptedAuthority.KEY));
    }

    @Test
    void aClosedClientSaysSo() {
        client.close();
        authority.close();
        GatelodgeException failed =
                assertThrows(GatelodgeException.class, () -> client.sessions().validateSession(QUESTION));
        assertEquals(Status.Code.CANCELLED, failed.code());
        assertTrue(client.forRequest("x").isClosed());
    }

    @Test
    void whereNobodyListensThatIsSaidWithTheAddress() {
        try (GatelodgeClient lost = GatelodgeClient.create(ClientOptions.of("http://127.0.0.1:1", "glk_x"))) {
            GatelodgeException failed = assertThrows(GatelodgeException.class, () -> lost.isServing(""));
            assertInstanceOf(UnreachableException.class, failed);
            assertTrue(
                    failed.getMessage().contains("http://127.0.0.1:1 (GATELODGE_ADDRESS) can't be reached"),
                    failed.getMessage());
            assertTrue(failed.getMessage().contains("refused"), failed.getMessage());
        }
    }

    @Test
    void aServerThatIsNoAuthorityIsSaidToBeNone() {
        for (Status.Code code : List.of(Status.Code.UNKNOWN, Status.Code.UNIMPLEMENTED, Status.Code.INTERNAL)) {
            authority.say(VALIDATE, failure(code, "", 0));
            var failed = assertThrows(
                    GatelodgeException.class, () -> client.sessions().validateSession(QUESTION));
            assertTrue(failed.getMessage().contains("is no authority: so it is"), failed.getMessage());
        }
    }

    @Test
    void aClientNamesItsTenantWithEveryCallAndStream() {
        for (String tenant : new String[] {"acme", null}) {
            ClientOptions options = authority.options().withTenant(tenant == null ? "" : tenant);
            try (GatelodgeClient named = GatelodgeClient.create(options)) {
                named.login().getEdgeSettings(GetEdgeSettingsRequest.getDefaultInstance());
                try (SessionWatch watch = named.sessions().watchSessions(WatchSessionsRequest.getDefaultInstance())) {
                    assertTrue(watch.hasNext());
                }
            }
            for (String method : new String[] {"GetEdgeSettings", "WatchSessions"}) {
                List<ScriptedAuthority.Call> calls = authority.calls(method);
                assertEquals(tenant, calls.get(calls.size() - 1).tenant(), method);
            }
        }
        assertEquals(
                Optional.of("globex"),
                ClientOptions.from(Map.of("GATELODGE_TENANT", "globex")).setting(ClientOptions.TENANT));
    }
}
