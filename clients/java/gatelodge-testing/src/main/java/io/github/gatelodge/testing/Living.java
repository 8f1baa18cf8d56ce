package io.github.gatelodge.testing;

import com.google.protobuf.Timestamp;
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
        int sub = person.userId().indexOf('_') + 1;
        this.person = person;
        this.inactive = person.inactive();
        this.identity = Identity.newBuilder()
                .setUserId(person.userId())
                .setTenant("default")
                .setProvider(person.provider())
                .setIssuer("https://provider.example")
                .setSub(person.userId().substring(sub))
                .setEmail(person.email())
                .setEmailVerified(!person.email().isEmpty())
                .setName(person.name())
                .addAllScopes(person.scopes())
                .setAuthTime(moment(person.loginTime()))
                .build();
        this.info = SessionInfo.newBuilder()
                .setSessionId(id)
                .setCreateTime(moment(now))
                .setLastActiveTime(moment(now))
                .setIdleExpireTime(moment(now.plusSeconds(3600)))
                .setAbsoluteExpireTime(moment(now.plusSeconds(86_400)))
                .setGeneration(1)
                .build();
    }

    boolean isDead() {
        return inactive != InactiveReason.INACTIVE_REASON_UNSPECIFIED;
    }

    void end() {
        inactive = InactiveReason.INACTIVE_REASON_REVOKED;
    }

    private static Timestamp moment(Instant time) {
        return Timestamp.newBuilder()
                .setSeconds(time.getEpochSecond())
                .setNanos(time.getNano())
                .build();
    }
}
