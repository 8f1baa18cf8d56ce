package io.github.gatelodge.testing;

import io.github.gatelodge.v1.Attributes;
import io.github.gatelodge.v1.Cookie;
import io.github.gatelodge.v1.DeniedReason;
import io.github.gatelodge.v1.EdgeSettings;
import io.github.gatelodge.v1.InactiveReason;
import java.security.SecureRandom;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** All that the fake remembers. Whoever uses it holds its lock. */
final class State {
    private static final String LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    private static final SecureRandom RANDOM = new SecureRandom();

    final Map<String, Living> sessions = new HashMap<>(); // by the cookie's value; those that are dead too
    final Map<String, Login> logins = new HashMap<>(); // by state
    final Map<String, Attributes> attributes = new HashMap<>(); // by the session's id
    final Map<String, Issued> tokens = new HashMap<>(); // by their text; those that are withdrawn too
    final Set<String> carriedOut = new HashSet<>(); // whose end a provider's server has told of
    final Events events = new Events();
    EdgeSettings settings = FakeSettings.usual();
    Person next = Person.of("fake_1");
    DeniedReason denial = DeniedReason.DENIED_REASON_UNSPECIFIED;

    /** A login under way. There is no provider: the browser is sent straight on to the callback. */
    record Login(String binding, String returnTo, Person person) {}

    /** The living session behind cookies, or why there is none. */
    record Found(@Nullable Living living, InactiveReason reason) {}

    Living begin(Person given) {
        Person person = given.cookie().isEmpty() ? given.withCookie("sess_" + random()) : given;
        person = person.csrfToken().isEmpty() ? person.withCsrfToken("csrf_" + person.cookie()) : person;
        Living made = new Living(person, "sid_" + random().substring(0, 24));
        sessions.put(person.cookie(), made);
        if (!person.renewedCookie().isEmpty()) {
            sessions.put(person.renewedCookie(), made);
        }
        return made;
    }

    /** Ends a session. */
    void end(Living living) {
        become(living, InactiveReason.INACTIVE_REASON_REVOKED);
    }

    /** Ends the living sessions that are meant, and says how many. */
    int endAll(Predicate<Person> isMeant) {
        List<Living> meant =
                living().stream().filter(one -> isMeant.test(one.person)).toList();
        meant.forEach(this::end);
        return meant.size();
    }

    /** Says why a session is dead; with {@code UNSPECIFIED} it lives. */
    void become(Living living, InactiveReason reason) {
        living.inactive = reason;
        events.changed(living.info.getSessionId());
    }

    Found presented(List<Cookie> cookies) {
        Living found = null;
        for (Cookie cookie : cookies) {
            Living known = sessions.get(cookie.getValue().toStringUtf8());
            if (known != null && found != null && known != found) {
                return new Found(null, InactiveReason.INACTIVE_REASON_AMBIGUOUS);
            }
            found = known == null ? found : known;
        }
        if (found != null && found.isDead()) {
            return new Found(null, found.inactive);
        }
        boolean isForged = found == null && !cookies.isEmpty();
        return new Found(found, isForged ? InactiveReason.INACTIVE_REASON_FORGED : InactiveReason.INACTIVE_REASON_NONE);
    }

    List<Living> living() {
        return sessions.values().stream()
                .distinct()
                .filter(one -> !one.isDead())
                .sorted(Comparator.comparing(one -> one.info.getSessionId()))
                .toList();
    }

    static String random() {
        StringBuilder text = new StringBuilder();
        for (int at = 0; at < 26; at++) {
            text.append(LETTERS.charAt(RANDOM.nextInt(LETTERS.length())));
        }
        return text.toString();
    }
}
