package io.github.gatelodge.spring;

import static org.springframework.test.web.servlet.request.MockMvcRequestBuilders.get;
import static org.springframework.test.web.servlet.request.MockMvcRequestBuilders.options;
import static org.springframework.test.web.servlet.request.MockMvcRequestBuilders.post;
import static org.springframework.test.web.servlet.result.MockMvcResultMatchers.content;
import static org.springframework.test.web.servlet.result.MockMvcResultMatchers.header;
import static org.springframework.test.web.servlet.result.MockMvcResultMatchers.status;

import io.github.gatelodge.GatelodgeClient;
import io.github.gatelodge.Token;
import io.github.gatelodge.TokenRequirement;
import io.github.gatelodge.testing.FakeAuthority;
import io.github.gatelodge.testing.Person;
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

/** The routes of an API, in controllers and in a chain of Spring Security. */
@SpringBootTest(classes = {TokensTest.Api.class, FakeConfiguration.class})
@AutoConfigureMockMvc
class TokensTest {
    @SpringBootConfiguration
    @EnableAutoConfiguration
    @RestController
    static class Api {
        @Bean
        SecurityFilterChain secured(HttpSecurity http, GatelodgeClient client) throws Exception {
            return http.securityMatcher("/secured/**")
                    .with(
                            new GatelodgeTokenSecurity(client, TokenRequirement.audience("orders")),
                            Customizer.withDefaults())
                    .authorizeHttpRequests(paths -> paths.requestMatchers("/secured/open")
                            .permitAll()
                            .requestMatchers("/secured/write")
                            .hasAuthority("SCOPE_write")
                            .anyRequest()
                            .authenticated())
                    .build();
        }

        @Bean
        SecurityFilterChain others(HttpSecurity http) throws Exception {
            return http.authorizeHttpRequests(paths -> paths.anyRequest().permitAll())
                    .csrf(csrf -> csrf.disable())
                    .build();
        }

        @GetMapping("/plain")
        String plain(Token token) {
            return token.userId().orElse("a program");
        }

        @PostMapping("/write")
        @RequireToken(scopes = "write", audience = "orders", maxLoginAge = "5m")
        String write(Token token) {
            return token.userId().orElseThrow();
        }

        @GetMapping({"/secured/open", "/secured/read", "/secured/write"})
        String secured(Principal principal) {
            return principal == null ? "nobody" : principal.getName();
        }

        @GetMapping("/secured/token")
        String token(@AuthenticationPrincipal Token token) {
            return token.userId().orElseThrow();
        }
    }

    @Autowired
    private MockMvc program;

    @Autowired
    private FakeAuthority authority;

    @Test
    void aMethodThatTakesATokenLetsNobodyInWithoutOne() throws Exception {
        program.perform(get("/plain"))
                .andExpect(status().isUnauthorized())
                .andExpect(header().string("WWW-Authenticate", "Bearer"))
                .andExpect(header().string("Vary", "Cookie"));
        String token = authority.issueToken("google_1").header();
        program.perform(get("/plain").header("Authorization", token))
                .andExpect(content().string("google_1"));
        program.perform(get("/plain").header("Authorization", token, token)).andExpect(status().isUnauthorized());
        String programs = authority.issueToken("").forClient("nightly").header();
        program.perform(get("/plain").header("Authorization", programs))
                .andExpect(content().string("a program"));
    }

    @Test
    void anAnnotationAsksForMore() throws Exception {
        Person writer = Person.of("google_1").withScopes("write");
        String good = authority.issueToken(writer).forAudiences("orders").header();
        program.perform(post("/write").header("Authorization", good))
                .andExpect(content().string("google_1"));
        String other = authority.issueToken(writer).forAudiences("invoices").header();
        program.perform(post("/write").header("Authorization", other)).andExpect(status().isUnauthorized());
        String reader = authority.issueToken("google_1").forAudiences("orders").header();
        program.perform(post("/write").header("Authorization", reader))
                .andExpect(status().isForbidden())
                .andExpect(header().string("WWW-Authenticate", "Bearer error=\"insufficient_scope\", scope=\"write\""));
        String old = authority
                .issueToken(writer.withLoginTime(java.time.Instant.now().minusSeconds(600)))
                .forAudiences("orders")
                .header();
        program.perform(post("/write").header("Authorization", old))
                .andExpect(status().isUnauthorized())
                .andExpect(header().string(
                                "WWW-Authenticate",
                                "Bearer error=\"insufficient_user_authentication\", max_age=\"300\""));
    }

    @Test
    void aPreflightIsARequestWithoutAToken() throws Exception {
        program.perform(options("/write")
                        .header("Origin", FakeConfiguration.ORIGIN)
                        .header("Access-Control-Request-Method", "POST"))
                .andExpect(status().isUnauthorized());
    }

    @Test
    void springSecurityKnowsWhoseTokenItIs() throws Exception {
        Person writer = Person.of("google_1").withScopes("write");
        String good = authority.issueToken(writer).forAudiences("orders").header();
        for (String path : new String[] {"/secured/open", "/secured/read", "/secured/write", "/secured/token"}) {
            program.perform(get(path).header("Authorization", good))
                    .andExpect(content().string("google_1"));
        }
        program.perform(get("/secured/open")).andExpect(content().string("nobody"));
        program.perform(get("/secured/read"))
                .andExpect(status().isUnauthorized())
                .andExpect(header().string("WWW-Authenticate", "Bearer"));
        String other = authority.issueToken(writer).header();
        for (String path : new String[] {"/secured/open", "/secured/read"}) {
            program.perform(get(path).header("Authorization", other))
                    .andExpect(status().isUnauthorized())
                    .andExpect(header().string("WWW-Authenticate", "Bearer error=\"invalid_token\""));
        }
        String reader = authority.issueToken("google_1").forAudiences("orders").header();
        program.perform(get("/secured/write").header("Authorization", reader)).andExpect(status().isForbidden());
    }

    @Test
    void whileTheAuthorityCantSayNobodyGetsIn() throws Exception {
        String token = authority.issueToken("google_1").forAudiences("orders").header();
        authority.away();
        try {
            for (String path : new String[] {"/plain", "/secured/read"}) {
                program.perform(get(path).header("Authorization", token)).andExpect(status().isServiceUnavailable());
            }
        } finally {
            authority.back();
        }
    }
}
