package io.github.gatelodge;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;

import com.google.protobuf.ByteString;
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
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

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
    void aRequirementThatWasNotJudgedIsNoYes() {
        isInconclusive(
                asking("GET", Requirement.scopes("a", "b")),
                active(JudgedRequirements.newBuilder().addScopes("a")));
        Requirement age = Requirement.maxLoginAge(Duration.ofSeconds(5));
        isInconclusive(asking("GET", age), active(JudgedRequirements.newBuilder()));
        isInconclusive(
                asking("GET", age), active(JudgedRequirements.newBuilder().setMaxLoginAge(seconds(6))));
        isInconclusive(asking("GET", Requirement.csrfRequired()), active(JudgedRequirements.newBuilder()));
        Verdict.read(asking("POST", Requirement.csrfNotRequired()), active(JudgedRequirements.newBuilder()));
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
    void aTokenIsGoodForWhatWasJudgedAlone() {
        TokenRequirements asked = TokenRequirements.newBuilder()
                .addScopes("a")
                .addPermissions("p")
                .setAudience("api")
                .setMaxLoginAge(seconds(60))
                .build();
        ValidateTokenRequest question =
                ValidateTokenRequest.newBuilder().setRequirements(asked).build();
        assertInstanceOf(TokenVerdict.Active.class, TokenVerdict.read(question, judged(asked)));
        for (TokenRequirements.Builder less : new TokenRequirements.Builder[] {
            asked.toBuilder().clearScopes(),
            asked.toBuilder().clearPermissions(),
            asked.toBuilder().clearAudience(),
            asked.toBuilder().clearMaxLoginAge(),
            asked.toBuilder().setMaxLoginAge(seconds(61)),
        }) {
            assertThrows(InconclusiveException.class, () -> TokenVerdict.read(question, judged(less.build())));
        }
        assertThrows(
                InconclusiveException.class,
                () -> TokenVerdict.read(question, ValidateTokenResponse.getDefaultInstance()));
    }

    private static ValidateTokenResponse judged(TokenRequirements judged) {
        return ValidateTokenResponse.newBuilder()
                .setActive(ActiveToken.newBuilder().setJudged(judged))
                .build();
    }
}
