package io.github.gatelodge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import com.google.protobuf.ByteString;
import com.google.protobuf.MessageOrBuilder;
import io.github.gatelodge.error.InconclusiveException;
import io.github.gatelodge.v1.ActiveSession;
import io.github.gatelodge.v1.ActiveToken;
import io.github.gatelodge.v1.Identity;
import io.github.gatelodge.v1.InactiveReason;
import io.github.gatelodge.v1.JudgedRequirements;
import io.github.gatelodge.v1.RequestContext;
import io.github.gatelodge.v1.SessionInfo;
import io.github.gatelodge.v1.TokenRequirements;
import io.github.gatelodge.v1.ValidateSessionRequest;
import io.github.gatelodge.v1.ValidateSessionResponse;
import io.github.gatelodge.v1.ValidateTokenRequest;
import io.github.gatelodge.v1.ValidateTokenResponse;
import java.time.Duration;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

class VerdictTest {
    private static ValidateSessionRequest asking(String method, Requirement... needs) {
        return ValidateSessionRequest.newBuilder()
                .setContext(RequestContext.newBuilder().setMethod(ByteString.copyFromUtf8(method)))
                .setRequirements(Requirement.all(needs))
                .build();
    }

    private static ValidateSessionResponse active(JudgedRequirements.Builder judged) {
        return ValidateSessionResponse.newBuilder()
                .setActive(ActiveSession.newBuilder()
                        .setIdentity(Identity.newBuilder().setUserId("google_1"))
                        .setSession(SessionInfo.newBuilder().setSessionId("sid_1"))
                        .setJudged(judged)
                        .addSetCookies("session=canary")
                        .setCsrfToken("csrf_canary"))
                .build();
    }

    private static com.google.protobuf.Duration seconds(long seconds) {
        return com.google.protobuf.Duration.newBuilder().setSeconds(seconds).build();
    }

    private static void isInconclusive(ValidateSessionRequest question, ValidateSessionResponse answer) {
        assertThrows(InconclusiveException.class, () -> Verdict.read(question, answer));
    }

    @Test
    void allThatWasAskedForIsJudged() {
        JudgedRequirements.Builder judged =
                JudgedRequirements.newBuilder().setCsrf(true).addScopes("admin").setMaxLoginAge(seconds(60));
        Requirement[] needs = {Requirement.scopes("admin"), Requirement.maxLoginAge(Duration.ofMinutes(2))};
        Verdict verdict = Verdict.read(asking("POST", needs), active(judged));
        assertEquals(
                "google_1",
                assertInstanceOf(Verdict.Active.class, verdict).session().userId());
        assertFalse(verdict.toString().contains("canary"), "cookies and tokens stay out of logs");
    }

    @ParameterizedTest
    @CsvSource({"POST", "DELETE", "post", "'PROPFIND'", "''"})
    void anUnsafeMethodNeedsAJudgedToken(String method) {
        isInconclusive(asking(method), active(JudgedRequirements.newBuilder()));
    }

    @Test
    void aTokenThatWasNotJudgedIsNoYes() {
        isInconclusive(asking("GET", Requirement.csrfRequired()), active(JudgedRequirements.newBuilder()));
        Verdict.read(asking("POST", Requirement.csrfNotRequired()), active(JudgedRequirements.newBuilder()));
    }

    /** What is asked for; what was judged, where it is enough; and where it is not. */
    static Stream<Arguments> everyRequirement() {
        JudgedRequirements none = JudgedRequirements.getDefaultInstance();
        return Stream.of(
                arguments(
                        Requirement.scopes("a", "b"),
                        none.toBuilder().addScopes("b").addScopes("a"),
                        none.toBuilder().addScopes("a")),
                arguments(
                        Requirement.anyScopes("a", "b"),
                        none.toBuilder().addAnyScopes("b"),
                        none.toBuilder().addAnyScopes("b").addAnyScopes("c")),
                arguments(
                        Requirement.permissions("p"),
                        none.toBuilder().addPermissions("p"),
                        none.toBuilder().addAnyPermissions("p")),
                arguments(
                        Requirement.anyPermissions("p", "q"),
                        none.toBuilder().addAnyPermissions("p").addAnyPermissions("q"),
                        none.toBuilder().addAnyPermissions("r")),
                arguments(
                        Requirement.roles("clerk"),
                        none.toBuilder().addRoles("clerk"),
                        none.toBuilder().addRoles("guest")),
                arguments(
                        Requirement.acrValues("2", "1"),
                        none.toBuilder().addAcrValues("2").addAcrValues("1"),
                        none.toBuilder().addAcrValues("2").addAcrValues("0")),
                arguments(
                        Requirement.amrValues("pwd", "otp"),
                        none.toBuilder().addAmrValues("pwd").addAmrValues("otp"),
                        none.toBuilder().addAmrValues("pwd")),
                arguments(Requirement.emailVerified(), none.toBuilder().setEmailVerified(true), none.toBuilder()),
                arguments(
                        Requirement.maxLoginAge(Duration.ofSeconds(5)),
                        none.toBuilder().setMaxLoginAge(seconds(5)),
                        none.toBuilder().setMaxLoginAge(seconds(6))));
    }

    // contract.md, 3: an older authority passes over what it does not know, and its yes is then worth nothing.
    @ParameterizedTest
    @MethodSource("everyRequirement")
    void eachRequirementHasToBeAmongThoseThatWereJudged(
            Requirement need, JudgedRequirements.Builder enough, JudgedRequirements.Builder less) {
        assertInstanceOf(Verdict.Active.class, Verdict.read(asking("GET", need), active(enough)));
        isInconclusive(asking("GET", need), active(less));
        isInconclusive(asking("GET", need), active(JudgedRequirements.newBuilder()));
        // The requirements of tokens have the same names.
        ValidateTokenRequest question = ValidateTokenRequest.newBuilder()
                .setRequirements(ofToken(Requirement.all(need)))
                .build();
        assertInstanceOf(TokenVerdict.Active.class, TokenVerdict.read(question, judged(ofToken(enough.build()))));
        for (JudgedRequirements.Builder missing : List.of(less, JudgedRequirements.newBuilder())) {
            ValidateTokenResponse answer = judged(ofToken(missing.build()));
            assertThrows(InconclusiveException.class, () -> TokenVerdict.read(question, answer));
        }
    }

    private static TokenRequirements ofToken(MessageOrBuilder ofSession) {
        TokenRequirements.Builder own = TokenRequirements.newBuilder();
        ofSession
                .getAllFields()
                .forEach((field, value) ->
                        own.setField(TokenRequirements.getDescriptor().findFieldByName(field.getName()), value));
        return own.build();
    }

    @Test
    void withoutAContextNoTokenIsJudged() {
        ValidateSessionRequest question = ValidateSessionRequest.getDefaultInstance();
        assertInstanceOf(Verdict.Active.class, Verdict.read(question, active(JudgedRequirements.newBuilder())));
    }

    @Test
    void anOutcomeThatIsNotKnownIsNeitherYesNorNo() {
        isInconclusive(asking("GET"), ValidateSessionResponse.getDefaultInstance());
        ValidateSessionResponse nobodys = ValidateSessionResponse.newBuilder()
                .setActive(ActiveSession.newBuilder().setIdentity(Identity.getDefaultInstance()))
                .build();
        isInconclusive(asking("GET"), nobodys);
    }

    @Test
    void aReasonThatIsNotKnownIsInactiveAllTheSame() {
        ValidateSessionResponse.Builder answer =
                ValidateSessionResponse.newBuilder().setSettingsVersion("7");
        answer.getInactiveBuilder().setReasonValue(999);
        Verdict verdict = Verdict.read(asking("GET"), answer.build());
        assertEquals(
                InactiveReason.UNRECOGNIZED,
                assertInstanceOf(Verdict.Inactive.class, verdict).why().getReason());
        assertEquals("7", verdict.settingsVersion());
    }

    @Test
    void aTokenIsGoodForTheAudienceThatWasJudgedAlone() {
        TokenRequirements asked =
                TokenRequirements.newBuilder().setAudience("api").build();
        ValidateTokenRequest question =
                ValidateTokenRequest.newBuilder().setRequirements(asked).build();
        assertInstanceOf(TokenVerdict.Active.class, TokenVerdict.read(question, judged(asked)));
        TokenRequirements other = asked.toBuilder().setAudience("other").build();
        assertThrows(InconclusiveException.class, () -> TokenVerdict.read(question, judged(other)));
        assertThrows(
                InconclusiveException.class,
                () -> TokenVerdict.read(question, ValidateTokenResponse.getDefaultInstance()));
    }

    @Test
    void aTokenThatIsNobodysIsNoYes() {
        ValidateTokenResponse.Builder answer = judged(TokenRequirements.getDefaultInstance()).toBuilder();
        answer.getActiveBuilder().clearIdentity();
        ValidateTokenRequest question = ValidateTokenRequest.getDefaultInstance();
        assertThrows(InconclusiveException.class, () -> TokenVerdict.read(question, answer.build()));
    }

    @Test
    void aUserWhomNobodyWasAskedAboutIsNoYes() {
        ValidateTokenRequest question =
                ValidateTokenRequest.newBuilder().setRefresh(true).build();
        ValidateTokenResponse.Builder answer = judged(TokenRequirements.getDefaultInstance()).toBuilder();
        assertInstanceOf(TokenVerdict.Active.class, TokenVerdict.read(question, answer.build()));
        answer.getActiveBuilder().getIdentityBuilder().setUserId("google_1");
        assertThrows(InconclusiveException.class, () -> TokenVerdict.read(question, answer.build()));
        answer.getActiveBuilder().getRefreshTimeBuilder().setSeconds(1);
        assertInstanceOf(TokenVerdict.Active.class, TokenVerdict.read(question, answer.build()));
    }

    private static ValidateTokenResponse judged(TokenRequirements judged) {
        return ValidateTokenResponse.newBuilder()
                .setActive(ActiveToken.newBuilder()
                        .setIdentity(Identity.getDefaultInstance())
                        .setJudged(judged))
                .build();
    }
}
