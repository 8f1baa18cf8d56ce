package io.github.gatelodge.spring;

import static org.hamcrest.Matchers.startsWith;
import static org.springframework.test.web.servlet.request.MockMvcRequestBuilders.get;
import static org.springframework.test.web.servlet.request.MockMvcRequestBuilders.options;
import static org.springframework.test.web.servlet.request.MockMvcRequestBuilders.post;
import static org.springframework.test.web.servlet.result.MockMvcResultMatchers.content;
import static org.springframework.test.web.servlet.result.MockMvcResultMatchers.header;
import static org.springframework.test.web.servlet.result.MockMvcResultMatchers.status;

import io.github.gatelodge.Session;
import io.github.gatelodge.edge.Gate;
import io.github.gatelodge.testing.FakeAuthority;
import io.github.gatelodge.testing.Person;
import io.github.gatelodge.testing.SignedIn;
import java.security.Principal;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.SpringBootConfiguration;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.test.autoconfigure.web.servlet.AutoConfigureMockMvc;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.context.annotation.Bean;
import org.springframework.security.config.Customizer;
import org.springframework.security.config.annotation.web.builders.HttpSecurity;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.test.web.servlet.MockMvc;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;

@SpringBootTest(classes = {SecurityTest.Secured.class, FakeConfiguration.class})
@AutoConfigureMockMvc
class SecurityTest {
    @SpringBootConfiguration
    @EnableAutoConfiguration
    @RestController
    static class Secured {
        @Bean
        SecurityFilterChain chain(HttpSecurity http, Gate gate) throws Exception {
            return http.with(new GatelodgeSecurity(gate), Customizer.withDefaults())
                    .authorizeHttpRequests(paths -> paths.requestMatchers("/open")
                            .permitAll()
                            .requestMatchers("/admin")
                            .hasAuthority("SCOPE_admin")
                            .requestMatchers("/clerks")
                            .hasRole("clerk")
                            .requestMatchers("/pay")
                            .hasAuthority("PERMISSION_orders:pay")
                            .anyRequest()
                            .authenticated())
                    .build();
        }

        @GetMapping({"/open", "/private", "/admin", "/clerks", "/pay"})
        String name(Principal principal) {
            return principal == null ? "nobody" : principal.getName();
        }

        @PostMapping("/private")
        String session(@AuthenticationPrincipal Session session) {
            return session.userId();
        }
    }

    @Autowired
    private MockMvc browser;

    @Autowired
    private FakeAuthority authority;

    @Test
    void springSecurityKnowsWhoItIs() throws Exception {
        SignedIn ada = authority.signIn(Person.of("google_1").withScopes("admin"));
        for (String path : new String[] {"/open", "/private", "/admin"}) {
            browser.perform(get(path).header("Cookie", ada.cookie()))
                    .andExpect(content().string("google_1"));
        }
        browser.perform(post("/private").header("Cookie", ada.cookie()).header("X-CSRF-Token", ada.csrfToken()))
                .andExpect(content().string("google_1"));
    }

    @Test
    void whoHasNoSessionGetsTheAuthoritysAnswer() throws Exception {
        browser.perform(get("/open")).andExpect(content().string("nobody"));
        browser.perform(get("/private"))
                .andExpect(status().isUnauthorized())
                .andExpect(header().string("Content-Type", "application/json"));
        browser.perform(get("/private").header("Accept", "text/html"))
                .andExpect(header().string("Location", startsWith("/auth/web/login")));
    }

    @Test
    void aPreflightIsAnsweredByTheSettings() throws Exception {
        browser.perform(options("/private")
                        .header("Origin", FakeConfiguration.ORIGIN)
                        .header("Access-Control-Request-Method", "GET"))
                .andExpect(status().isNoContent())
                .andExpect(header().string("Access-Control-Allow-Origin", FakeConfiguration.ORIGIN));
        browser.perform(options("/private")).andExpect(status().isUnauthorized());
    }

    @Test
    void whatTheUserMayDoAreSpringsAuthorities() throws Exception {
        SignedIn ada = authority.signIn(Person.of("google_1").withRoles("clerk").withPermissions("orders:pay"));
        SignedIn bob = authority.signIn("google_2");
        for (String path : new String[] {"/clerks", "/pay"}) {
            browser.perform(get(path).header("Cookie", ada.cookie())).andExpect(status().isOk());
            browser.perform(get(path).header("Cookie", bob.cookie())).andExpect(status().isForbidden());
        }
    }

    @Test
    void rolesAreSpringsAndCsrfIsTheAuthoritys() throws Exception {
        SignedIn ada = authority.signIn("google_1");
        browser.perform(get("/admin").header("Cookie", ada.cookie())).andExpect(status().isForbidden());
        browser.perform(post("/private").header("Cookie", ada.cookie())).andExpect(status().isForbidden());
    }
}
