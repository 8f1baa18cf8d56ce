package io.github.gatelodge.spring;

import io.github.gatelodge.GatelodgeClient;
import io.github.gatelodge.testing.FakeAuthority;
import org.springframework.boot.test.context.TestConfiguration;
import org.springframework.context.annotation.Bean;

/** Puts a fake authority behind an application, as a test of an application would. */
@TestConfiguration
class FakeConfiguration {
    /** The other origin that the fake's settings allow. */
    static final String ORIGIN = "http://localhost:5173";

    @Bean
    FakeAuthority authority() {
        return new FakeAuthority();
    }

    @Bean
    GatelodgeClient client(FakeAuthority authority) {
        return authority.client();
    }
}
