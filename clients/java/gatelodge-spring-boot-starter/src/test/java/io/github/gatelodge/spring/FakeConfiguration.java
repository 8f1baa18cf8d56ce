package io.github.gatelodge.spring;

import io.github.gatelodge.GatelodgeClient;
import io.github.gatelodge.testing.FakeAuthority;
import org.springframework.boot.test.context.TestConfiguration;
import org.springframework.context.annotation.Bean;

/** Puts a fake authority behind an application, as a test of an application would. */
@TestConfiguration
class FakeConfiguration {
    @Bean
    FakeAuthority authority() {
        return new FakeAuthority();
    }

    @Bean
    GatelodgeClient client(FakeAuthority authority) {
        return authority.client();
    }
}
