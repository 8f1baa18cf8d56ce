package io.github.gatelodge.testing;

import io.github.gatelodge.v1.Identity;
import io.github.gatelodge.v1.InactiveReason;
import io.github.gatelodge.v1.SessionInfo;
import java.time.Instant;

/** A session as the fake keeps it, and why it is dead if it is. */
final class Living {
    final Person person;
    final Identity identity;
    final SessionInfo info;
    InactiveReason inactive;

    Living(Person person, String id) {
        Instant now = Instant.now();
        this.person = person;
        this.inactive = person.inactive();
        this.identity = person.identity();
        this.info = SessionInfo.newBuilder()
                .setSessionId(id)
                .setCreateTime(Person.moment(now))
                .setLastActiveTime(Person.moment(now))
                .setIdleExpireTime(Person.moment(now.plusSeconds(3600)))
                .setAbsoluteExpireTime(Person.moment(now.plusSeconds(86_400)))
                .setGeneration(1)
                .build();
    }

    boolean isDead() {
        return inactive != InactiveReason.INACTIVE_REASON_UNSPECIFIED;
    }
}
