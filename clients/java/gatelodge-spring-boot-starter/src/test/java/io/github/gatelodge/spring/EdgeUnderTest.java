package io.github.gatelodge.spring;

import java.util.Map;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.security.servlet.SecurityAutoConfiguration;

/** Serves the application for tests/edges. */
final class EdgeUnderTest {
    private EdgeUnderTest() {}

    public static void main(String[] arguments) {
        String listen = System.getenv().getOrDefault("LISTEN", "127.0.0.1:8000");
        int colon = listen.lastIndexOf(':');
        SpringApplication application = new SpringApplication(Application.class);
        application.setDefaultProperties(Map.of(
                "gatelodge.check-stream",
                "false",
                "server.address",
                listen.substring(0, colon),
                "server.port",
                listen.substring(colon + 1),
                "server.max-http-request-header-size",
                "16KB",
                "server.tomcat.relaxed-query-chars",
                "[,]",
                "spring.main.banner-mode",
                "off",
                "spring.autoconfigure.exclude",
                SecurityAutoConfiguration.class.getName(),
                "gatelodge.mount-prefix",
                System.getenv().getOrDefault("MOUNT_PREFIX", "")));
        application.run(arguments);
        System.out.println("ready");
    }
}
