package io.github.gatelodge.spring;

import static org.hamcrest.Matchers.containsString;
import static org.hamcrest.Matchers.startsWith;
import static org.springframework.test.web.servlet.request.MockMvcRequestBuilders.asyncDispatch;
import static org.springframework.test.web.servlet.request.MockMvcRequestBuilders.get;
import static org.springframework.test.web.servlet.request.MockMvcRequestBuilders.options;
import static org.springframework.test.web.servlet.request.MockMvcRequestBuilders.post;
import static org.springframework.test.web.servlet.result.MockMvcResultMatchers.content;
import static org.springframework.test.web.servlet.result.MockMvcResultMatchers.header;
import static org.springframework.test.web.servlet.result.MockMvcResultMatchers.jsonPath;
import static org.springframework.test.web.servlet.result.MockMvcResultMatchers.status;

import io.github.gatelodge.Session;
import io.github.gatelodge.testing.FakeAuthority;
import io.github.gatelodge.testing.Person;
import io.github.gatelodge.testing.SignedIn;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.autoconfigure.web.servlet.AutoConfigureMockMvc;
import org.springframework.boot.test.context.SpringBootTest;
import org.springframework.http.CacheControl;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.test.web.servlet.MockMvc;
import org.springframework.test.web.servlet.request.MockHttpServletRequestBuilder;
import org.springframework.web.bind.annotation.CrossOrigin;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RestController;

@SpringBootTest(
        classes = {
            Application.class,
            ControllersTest.Further.class,
            ControllersTest.Shown.class,
            ControllersTest.Hidden.class,
            ControllersTest.Partners.class,
            FakeConfiguration.class
        },
        properties = "spring.autoconfigure.exclude="
                + "org.springframework.boot.autoconfigure.security.servlet.SecurityAutoConfiguration")
@AutoConfigureMockMvc
class ControllersTest {
    /** What else a controller may want. */
    @RestController
    @RequestMapping("/admin")
    @RequireSession(scopes = "admin")
    static class Further {
        @GetMapping("/all")
        String all() {
            return "all";
        }

        @GetMapping("/own")
        @RequireSession
        ResponseEntity<String> own(Optional<Session> session) {
            return ResponseEntity.ok()
                    .cacheControl(CacheControl.maxAge(Duration.ofMinutes(1)).cachePublic())
                    .body(session.map(Session::userId).orElseThrow());
        }

        @GetMapping("/strong")
        @RequireSession(
                anyScopes = {"write", "admin"},
                permissions = "orders:pay",
                anyPermissions = {"orders:pay", "orders:see"},
                roles = "clerk",
                emailVerified = true,
                acrValues = {"2", "1"},
                amrValues = {"pwd", "otp"})
        String strong(Session session) {
            return session.userId();
        }

        @GetMapping("/later")
        @RequireSession(csrf = RequireSession.Csrf.REQUIRED)
        Callable<String> later(Session session) {
            return session::userId;
        }
    }

    /** A method that two controllers inherit. */
    static class Listing {
        @GetMapping("/list")
        String list() {
            return "list";
        }
    }

    @RestController
    @RequestMapping("/shown")
    static class Shown extends Listing {}

    @RestController
    @RequestMapping("/hidden")
    @RequireSession
    static class Hidden extends Listing {}

    /** Has rules of its own for other origins. */
    @RestController
    @CrossOrigin("https://partner.example")
    static class Partners {
        @GetMapping("/partners")
        String partners(Session session) {
            return session.userId();
        }
    }

    @Autowired
    private MockMvc browser;

    @Autowired
    private FakeAuthority authority;

    @BeforeEach
    void begin() {
        authority.back();
    }

    private static MockHttpServletRequestBuilder by(SignedIn person, MockHttpServletRequestBuilder request) {
        return request.header("Cookie", person.cookie());
    }

    @Test
    void nobodyGetsInWithoutASession() throws Exception {
        browser.perform(get("/private")).andExpect(status().isUnauthorized());
        browser.perform(get("/private?a=b").header("Accept", "text/html"))
                .andExpect(header().string("Location", startsWith("/auth/web/login?redirect_uri=%2Fprivate")));
        browser.perform(get("/optional")).andExpect(jsonPath("$.user_id").isEmpty());
        browser.perform(get("/admin/all")).andExpect(status().isUnauthorized());
    }

    @Test
    void theSessionIsAnArgument() throws Exception {
        SignedIn ada = authority.signIn("google_1");
        browser.perform(by(ada, get("/private")))
                .andExpect(jsonPath("$.user_id").value("google_1"))
                .andExpect(header().string("Vary", "Cookie"));
        browser.perform(by(ada, get("/optional")))
                .andExpect(jsonPath("$.user_id").value("google_1"));
    }

    @Test
    void aControllersRequirementHoldsForItsMethodsAndTheirOwnTakesItsPlace() throws Exception {
        SignedIn ada = authority.signIn("google_1");
        browser.perform(by(ada, get("/admin/all"))).andExpect(status().isForbidden());
        browser.perform(by(ada, get("/admin/own"))).andExpect(content().string("google_1"));
        SignedIn root = authority.signIn(Person.of("google_2").withScopes("admin"));
        browser.perform(by(root, get("/admin/all"))).andExpect(content().string("all"));
    }

    @Test
    void allThatAnAnnotationNeedsHasToBeThere() throws Exception {
        Person ada = Person.of("google_1")
                .called("Ada", "ada@example.com")
                .withScopes("admin")
                .withPermissions("orders:pay")
                .withRoles("clerk")
                .withAcr("1")
                .withAmr("otp", "pwd");
        browser.perform(by(authority.signIn(ada), get("/admin/strong")))
                .andExpect(content().string("google_1"));
        Map<String, Person> lacking = Map.of(
                "scope_missing", ada.withScopes("read"),
                "permission_missing", ada.withPermissions("orders:see"),
                "role_missing", ada.withRoles(),
                "email_not_verified", ada.withEmailVerified(false),
                "acr_missing", ada.withAcr("0"),
                "amr_missing", ada.withAmr("otp"));
        for (Map.Entry<String, Person> one : lacking.entrySet()) {
            browser.perform(by(authority.signIn(one.getValue()), get("/admin/strong")))
                    .andExpect(status().isForbidden())
                    .andExpect(jsonPath("$.reason").value(one.getKey()));
        }
        // A permission that one of several would be, and the one that is needed.
        Person seeing = ada.withPermissions("orders:pay", "orders:see");
        browser.perform(by(authority.signIn(seeing), get("/admin/strong"))).andExpect(status().isOk());
    }

    @Test
    void aMethodThatTwoControllersInheritIsGuardedAsEachOfThemSays() throws Exception {
        browser.perform(get("/shown/list")).andExpect(content().string("list"));
        browser.perform(get("/hidden/list")).andExpect(status().isUnauthorized());
    }

    private static MockHttpServletRequestBuilder preflight(String path, String origin) {
        return options(path).header("Origin", origin).header("Access-Control-Request-Method", "GET");
    }

    @Test
    void aGuardAnswersPreflightsByTheSettings() throws Exception {
        for (String path : new String[] {"/any", "/private", "/hidden/list"}) {
            browser.perform(preflight(path, FakeConfiguration.ORIGIN))
                    .andExpect(status().isNoContent())
                    .andExpect(header().string("Access-Control-Allow-Origin", FakeConfiguration.ORIGIN));
            browser.perform(preflight(path, "https://evil.example"))
                    .andExpect(status().isNoContent())
                    .andExpect(header().doesNotExist("Access-Control-Allow-Origin"));
        }
    }

    @Test
    void aPreflightIsTheApplicationsWhereItHasRulesOfItsOwnOrNoGuard() throws Exception {
        browser.perform(preflight("/partners", "https://partner.example"))
                .andExpect(status().isOk())
                .andExpect(header().string("Access-Control-Allow-Origin", "https://partner.example"));
        browser.perform(preflight("/partners", "https://evil.example")).andExpect(status().isForbidden());
        browser.perform(preflight("/open", FakeConfiguration.ORIGIN)).andExpect(status().isForbidden());
    }

    @Test
    void optionsIsJudgedAsEveryRequest() throws Exception {
        browser.perform(options("/any")).andExpect(status().isUnauthorized());
        browser.perform(options("/any").header("Access-Control-Request-Method", "GET"))
                .andExpect(status().isUnauthorized());
        browser.perform(by(authority.signIn("google_1"), options("/any")))
                .andExpect(jsonPath("$.user_id").value("google_1"));
    }

    @Test
    void anUnsafeRequestNeedsItsToken() throws Exception {
        SignedIn ada = authority.signIn("google_1");
        browser.perform(by(ada, post("/private"))).andExpect(status().isForbidden());
        browser.perform(by(ada, post("/private")).header(FakeAuthority.CSRF_HEADER, ada.csrfToken()))
                .andExpect(status().isOk());
    }

    @Test
    void aRenewedCookieIsKeptByNoCacheWhateverTheControllerSays() throws Exception {
        SignedIn ada = authority.signIn(Person.of("google_1").withCookie("old").withRenewedCookie("new"));
        browser.perform(by(ada, get("/admin/own")))
                .andExpect(header().string("Cache-Control", "no-store"))
                .andExpect(header().string("Set-Cookie", containsString("session=new")));
    }

    @Test
    void anAsynchronousMethodIsAskedAboutOnce() throws Exception {
        SignedIn ada = authority.signIn("google_1");
        var begun = browser.perform(by(ada, get("/admin/later")).header(FakeAuthority.CSRF_HEADER, ada.csrfToken()))
                .andReturn();
        authority.away();
        browser.perform(asyncDispatch(begun)).andExpect(content().string("google_1"));
    }

    @Test
    void whenTheAuthorityIsAwayNobodyIsLoggedOut() throws Exception {
        SignedIn ada = authority.signIn("google_1");
        authority.away();
        browser.perform(by(ada, get("/private")))
                .andExpect(status().isServiceUnavailable())
                .andExpect(header().doesNotExist("Set-Cookie"));
        browser.perform(get("/open")).andExpect(status().isOk());
    }

    @Test
    void aFormLogsOut() throws Exception {
        SignedIn ada = authority.signIn("google_1");
        browser.perform(by(ada, post("/auth/web/logout"))
                        .contentType(MediaType.APPLICATION_FORM_URLENCODED)
                        .content("csrf_token=" + ada.csrfToken()))
                .andExpect(status().isOk());
        browser.perform(by(ada, get("/private"))).andExpect(status().isUnauthorized());
    }

    @Test
    void theEdgesRoutesAreThere() throws Exception {
        browser.perform(get("/auth/web/login")).andExpect(status().isFound());
        browser.perform(by(authority.signIn("google_1"), get("/auth/me")))
                .andExpect(jsonPath("$.user_id").value("google_1"));
    }
}
