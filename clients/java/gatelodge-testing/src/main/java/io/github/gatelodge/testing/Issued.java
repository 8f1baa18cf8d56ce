package io.github.gatelodge.testing;

import java.time.Instant;
import java.util.List;

/** A bearer token as the fake keeps it. */
final class Issued {
    final String value;
    final Person whose;
    List<String> audiences = List.of("api");
    String clientId = "";
    Instant expires = Instant.now().plusSeconds(3600);
    boolean isWithdrawn;

    Issued(Person whose, String value) {
        this.value = value;
        this.whose = whose;
    }
}
