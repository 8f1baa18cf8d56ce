package io.github.gatelodge;

import java.time.Duration;

/** How a method of the contract is called: within which time, and how often it may be repeated within it. */
enum Manner {
    /** For methods whose comment says "Safe to retry", and which no provider delays. */
    SAFE(2, Integer.MAX_VALUE),
    /** For safe methods that may have to wait for a provider. */
    SAFE_SLOW(10, Integer.MAX_VALUE),
    /** For a login's start: it may have to fetch the provider's metadata, and a repeat would begin another login. */
    START_LOGIN(10, 0),
    /** For a login's end: the provider is asked for tokens, and the browser repeats it by itself. */
    COMPLETE_CALLBACK(20, 0),
    /** For safe methods that end sessions: they answer when nobody is let in any more, and then tell everybody. */
    ENDING(8, Integer.MAX_VALUE),
    /** The same where a person or a provider waits, who can ask again. */
    LOGOUT(8, 1),
    /**
     * For a change that depends on what was read: a repeat of one that was done meets its own version, and would be
     * taken for somebody else's.
     */
    ONCE(2, 0),
    /** For a probe, whose answer is about now. */
    PROBE(2, 0);

    final Duration timeout;
    final int repeats;

    Manner(int seconds, int repeats) {
        this.timeout = Duration.ofSeconds(seconds);
        this.repeats = repeats;
    }
}
