package io.github.gatelodge.edge;

import com.google.protobuf.ByteString;
import io.github.gatelodge.GatelodgeClient;
import io.github.gatelodge.Verdict;
import io.github.gatelodge.error.GatelodgeException;
import io.github.gatelodge.error.InconclusiveException;
import io.github.gatelodge.v1.ValidateSessionRequest;
import java.time.Duration;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * A client together with the settings of an edge, which it keeps fresh. It looks for the session behind each request of
 * an application's own routes, once.
 *
 * <p>Use one for all routes; an {@link Edge} has one already. It lives until it is closed, or its client is.
 */
public final class Gate implements AutoCloseable {
    private final GatelodgeClient client;
    private final SettingsKeeper keeper;
    private final Checker sessions;

    /** Answers questions about presented sessions: the client, or what stands before it. */
    @FunctionalInterface
    interface Checker {
        Verdict check(ValidateSessionRequest question, String requestId);
    }

    Gate(GatelodgeClient client, Consumer<Settings> onChange) {
        this.client = client;
        this.keeper = new SettingsKeeper(client, onChange);
        this.sessions =
                (question, requestId) -> client.forRequest(requestId).sessions().check(question);
    }

    /** Begins to ask the authority for the settings. Until they have come, requests are answered with 503. */
    public static Gate of(GatelodgeClient client) {
        return new Gate(client, settings -> {});
    }

    /** The client that it asks with. */
    public GatelodgeClient client() {
        return client;
    }

    /**
     * Waits for the first settings: from then on requests are answered.
     *
     * @throws GatelodgeException what is in the way, when they have not come in time
     */
    public void awaitReady(Duration longest) throws InterruptedException {
        if (!keeper.await(longest)) {
            GatelodgeException trouble = keeper.trouble();
            throw trouble == null ? noSettings() : trouble;
        }
    }

    /** Asks who is behind a request, and whether it may go ahead. */
    public Admission admit(BrowserRequest request, Guard guard) {
        return admit(request, guard, null);
    }

    /**
     * As an inner guard of a request, of which an outer one has asked already: asks again only for what the outer one
     * has not had judged.
     */
    public Admission admit(BrowserRequest request, Guard guard, @Nullable Admission outer) {
        Answers answers = outer == null ? new Answers(Presented.requestId(request)) : outer.answers();
        Admission.Asked asked = new Admission.Asked(
                answers, request.method(), Presented.host(request), request.headers("Cookie"), guard.needs());
        if (Presented.isPreflight(request)) {
            return Admission.unasked(this, asked, guard.isRequired(), () -> preflight(request, answers));
        }
        Verdict known = outer == null ? null : outer.verdictFor(this, asked).orElse(null);
        if (known != null) {
            return Admission.of(this, asked, guard.isRequired(), false, known);
        }
        try {
            return Admission.of(this, asked, guard.isRequired(), true, check(request, asked));
        } catch (RuntimeException failed) {
            return Admission.couldNotSay(this, asked, answers.failed(failed));
        }
    }

    @Override
    public void close() {
        keeper.close();
    }

    /**
     * What a guard that needs a session answers to a preflight, which never has one: as on the edge's own routes, by
     * the settings. An application with rules of its own for other origins has them stand before its guards.
     */
    private Answer preflight(BrowserRequest request, Answers answers) {
        Settings settings = settings(Presented.host(request));
        if (settings == null) {
            return answers.failed(noSettings());
        }
        return settings.shared(request, Answers.finish(204, settings.cors().preflight(request), ByteString.EMPTY));
    }

    private Verdict check(BrowserRequest request, Admission.Asked asked) {
        Settings settings = settings(Presented.host(request));
        if (settings == null) {
            throw noSettings();
        }
        Verdict verdict = check(
                ValidateSessionRequest.newBuilder()
                        .addAllCookies(Presented.sessionCookies(request, settings))
                        .setContext(Presented.context(request, settings))
                        .setRequirements(asked.needs())
                        .setCanSetCookies(true)
                        .build(),
                asked.answers());
        return verdict instanceof Verdict.Active active ? Answers.deliverable(active) : verdict;
    }

    Verdict check(ValidateSessionRequest question, Answers answers) {
        Verdict verdict = sessions.check(question, answers.requestId());
        keeper.sawVersion(verdict.settingsVersion());
        return verdict;
    }

    /** The settings in force for requests with this Host, as far as is known. */
    @Nullable
    Settings settings(String host) {
        Tenants tenants = keeper.tenants();
        return tenants == null ? null : tenants.of(host);
    }

    void sawVersion(String version) {
        keeper.sawVersion(version);
    }

    static InconclusiveException noSettings() {
        return new InconclusiveException("no settings have come from the authority yet");
    }
}
