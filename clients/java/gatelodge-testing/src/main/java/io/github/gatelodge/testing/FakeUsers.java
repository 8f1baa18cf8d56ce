package io.github.gatelodge.testing;

import io.github.gatelodge.v1.Identity;
import io.github.gatelodge.v1.User;
import io.github.gatelodge.v1.UserState;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What the fake keeps of users: whoever was signed in is one, until they are deleted. Whoever uses it holds the lock.
 */
final class FakeUsers {
    private final State state;
    private final Map<String, UserState> states = new HashMap<>();

    FakeUsers(State state) {
        this.state = state;
    }

    /** One of them. Of one who was deleted it is told that they were. */
    Optional<User> find(String userId) {
        UserState now = states.getOrDefault(userId, UserState.USER_STATE_ACTIVE);
        return state.sessions.values().stream()
                .map(one -> one.identity)
                .filter(who -> who.getUserId().equals(userId))
                .findFirst()
                .map(who ->
                        now == UserState.USER_STATE_DELETED ? named(userId, now).build() : shown(who, now));
    }

    /** All but those who were deleted. */
    List<User> all() {
        return state.sessions.values().stream()
                .map(one -> one.identity.getUserId())
                .distinct()
                .sorted()
                .flatMap(id -> find(id).stream())
                .filter(user -> user.getState() != UserState.USER_STATE_DELETED)
                .toList();
    }

    void become(String userId, UserState now) {
        states.put(userId, now);
    }

    private static User.Builder named(String userId, UserState now) {
        return User.newBuilder().setUserId(userId).setState(now);
    }

    private static User shown(Identity who, UserState now) {
        return named(who.getUserId(), now)
                .setProvider(who.getProvider())
                .setIssuer(who.getIssuer())
                .setSub(who.getSub())
                .setEmail(who.getEmail())
                .setEmailVerified(who.getEmailVerified())
                .setName(who.getName())
                .build();
    }
}
