package io.github.gatelodge.edge;

import io.github.gatelodge.Session;
import io.github.gatelodge.Verdict;
import io.github.gatelodge.edge.Answer.Header;
import io.github.gatelodge.v1.Requirements;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/** What is to be done about a request of the application's own: let it run, or answer for it. */
public final class Admission {
    private final Gate gate;
    private final Answers answers;
    private final String method;
    private final String host;
    private final List<String> cookies;
    private final Requirements needs;
    private final boolean isAsked;
    private final @Nullable Verdict verdict;
    private final @Nullable Answer instead;
    private final Supplier<Answer> notSignedIn;

    private Admission(
            Gate gate,
            Asked asked,
            boolean isAsked,
            @Nullable Verdict verdict,
            @Nullable Answer instead,
            Supplier<Answer> notSignedIn) {
        this.gate = gate;
        this.answers = asked.answers();
        this.method = asked.method();
        this.host = asked.host();
        this.cookies = asked.cookies();
        this.needs = asked.needs();
        this.isAsked = isAsked;
        this.verdict = verdict;
        this.instead = instead;
        this.notSignedIn = notSignedIn;
    }

    /** What a guard asks about a request. */
    record Asked(Answers answers, String method, String host, List<String> cookies, Requirements needs) {}

    /** A preflight: no cookies come with it. A guard that needs a session answers it. */
    static Admission unasked(Gate gate, Asked asked, boolean isRequired, Supplier<Answer> guards) {
        return new Admission(gate, asked, false, null, isRequired ? guards.get() : null, guards);
    }

    /** The authority could not say. */
    static Admission couldNotSay(Gate gate, Asked asked, Answer answer) {
        return new Admission(gate, asked, true, null, answer, () -> answer);
    }

    /** What follows from a verdict. */
    static Admission of(Gate gate, Asked asked, boolean isRequired, boolean isFresh, Verdict verdict) {
        Supplier<Answer> notSignedIn = () -> verdict instanceof Verdict.Inactive inactive
                ? asked.answers().notSignedIn(inactive.why())
                : asked.answers().unavailable(null);
        Answer instead = null;
        if (verdict instanceof Verdict.Denied denied) {
            instead = asked.answers().forbidden(denied.why());
        } else if (verdict instanceof Verdict.Inactive && isRequired) {
            instead = notSignedIn.get();
        }
        return new Admission(gate, asked, isFresh, verdict, instead, notSignedIn);
    }

    /** The living session, if there is one. */
    public Optional<Session> session() {
        return verdict instanceof Verdict.Active active ? Optional.of(active.session()) : Optional.empty();
    }

    /** What to answer instead of letting the application run; empty when it may. */
    public Optional<Answer> instead() {
        return Optional.ofNullable(instead);
    }

    /** What a route answers that finds out by itself that it needs a session. */
    public Answer notSignedIn() {
        return notSignedIn.get();
    }

    /**
     * What to deliver with the application's answer, which no cache may then keep: Set-Cookie headers, and the CSRF
     * token of a rotated credential, in place of one that is there. Of two guards of one request the inner one's count,
     * and take the place of the outer one's unless {@link #isAsked} says that it had none to ask.
     */
    public List<Header> deliveries() {
        List<Header> deliveries = new ArrayList<>();
        if (verdict instanceof Verdict.Active active) {
            active.setCookies().forEach(cookie -> deliveries.add(new Header("Set-Cookie", cookie)));
            Settings settings = gate.settings(host);
            if (settings != null && !active.csrfToken().isEmpty()) {
                deliveries.add(new Header(settings.csrfHeader(), active.csrfToken()));
            }
        }
        return deliveries;
    }

    /**
     * Whether the authority was asked for this admission: not for a preflight, and not where an outer guard had asked.
     */
    public boolean isAsked() {
        return isAsked;
    }

    /** Whether a session was looked for at all, so that caches have to know (Vary: Cookie). */
    public boolean isLookedFor() {
        return verdict != null;
    }

    Answers answers() {
        return answers;
    }

    /**
     * The verdict, where it holds for an inner guard too. Another setting for CSRF, or a method, a host or cookies that
     * were changed on the way, make another question.
     */
    Optional<Verdict> verdictFor(Gate other, Asked asked) {
        boolean isSame = gate == other
                && verdict != null
                && method.equals(asked.method())
                && host.equals(asked.host())
                && cookies.equals(asked.cookies())
                && needs.getCsrf() == asked.needs().getCsrf();
        if (!isSame) {
            return Optional.empty();
        }
        boolean holds = !(verdict instanceof Verdict.Active active) || Verdict.isJudged(asked.needs(), active.judged());
        return holds ? Optional.ofNullable(verdict) : Optional.empty();
    }
}
