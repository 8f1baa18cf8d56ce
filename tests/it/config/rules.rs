//! Owns a table of what is refused, key by key. Does not know where faults stand.

use super::{faults, warnings};

const PROVIDER: &str = "client_id: a, client_secret: b";

/// The one fault of a text, as "key: message".
fn fault(yaml: &str) -> String {
    let found = faults(yaml, &[]);
    assert_eq!(found.len(), 1, "{yaml}: {found:?}");
    found[0].split_once(": ").unwrap().1.to_owned()
}

// Its pages get the answers of logins, so that what can't work, or leads them elsewhere, is told before anybody logs in.
#[test]
fn front_ends_that_forward_the_code_need_a_page_a_token_and_to_be_let_ask() {
    let with = |spa: &str| {
        let mint = "tokens: { mint: { enabled: true, audiences: [front-end] } }";
        fault(&format!("edge: {{ routes: [web, spa] }}\n{mint}\napp: {{ spa: {{ {spa} }} }}"))
    };
    let table = [
        ("provider: github", "app.spa.provider: expected a provider"),
        ("audience: other", "app.spa.audience: expected one of tokens.mint.audiences"),
        ("token_lifetime: 2h", "app.spa.token_lifetime: from 1 second to"),
        ("token_lifetime: 0", "app.spa.token_lifetime:"),
        ("page: 'auth'", "app.spa.page: expected a path"),
        ("page: '/auth/{name}'", "app.spa.page: expected a path"),
        ("page: '/#/auth'", "app.spa.page: expected a path"),
        ("page: 'https://app.example.com/auth'", "add https://app.example.com to app.cors.allowed_origins"),
    ];
    for (spa, expected) in table {
        assert!(with(spa).contains(expected), "{spa}: {}", with(spa));
    }
    let elsewhere =
        "app: { cors: { allowed_origins: ['http://app.example.com'] }, spa: { page: 'http://app.example.com/a' } }";
    let mint = "tokens: { mint: { enabled: true, audiences: [front-end] } }";
    assert!(fault(&format!("edge: {{ routes: [spa] }}\n{mint}\n{elsewhere}")).contains("app.spa.page: plain http"));
    assert!(fault("edge: { routes: [spa] }").contains("`edge.routes` has `spa`"));
}

// contract.md 9: the same key again brings the same session, which needs a memory of keys.
#[test]
fn sessions_that_are_collected_need_answers_to_be_kept() {
    let found = fault("edge: { routes: [web, api] }\napp: { idempotency: { keep_answers_for: 0 } }");
    assert!(found.contains("app.idempotency.keep_answers_for: `edge.routes` has `api`"), "{found}");
}

#[test]
fn each_rule_refuses_and_names_its_key() {
    let hash = format!("sha256:{}", "ab".repeat(32));
    let twice = format!(
        "callers: [{{ name: a, role: edge, key_hash: '{hash}' }}, {{ name: b, role: admin, key_hash: '{hash}' }}]"
    );
    let named = format!("callers: [{{ name: '', role: edge, key_hash: '{hash}' }}]");
    let table = [
        ("tenant: { number: 0 }", "tenant.number:"),
        ("telemetry: { service_name: '' }", "telemetry.service_name:"),
        ("telemetry: { instance: 'a b' }", "telemetry.instance:"),
        ("telemetry: { traces: { sample: 2 } }", "telemetry.traces.sample: expected a share"),
        (
            "telemetry: { traces: { tell_providers: [keycloak] } }",
            "telemetry.traces.tell_providers: there is no provider",
        ),
        ("telemetry: { metrics: { every: 0 } }", "telemetry.metrics.every:"),
        ("telemetry: { otlp: { endpoint: '127.0.0.1:4317' } }", "telemetry.otlp.endpoint:"),
        ("telemetry: { otlp: { endpoint: 'http://user:secret@host:4317' } }", "telemetry.otlp.endpoint:"),
        ("telemetry: { otlp: { endpoint: 'http://host:4317/v1/traces' } }", "telemetry.otlp.endpoint:"),
        ("telemetry: { otlp: { headers: { Authorization: a } } }", "telemetry.otlp.headers.Authorization:"),
        ("telemetry: { otlp: { timeout: 0 } }", "telemetry.otlp.timeout:"),
        ("server: { tls: { cert_file: a } }", "server.tls:"),
        ("server: { tls: { client_ca_file: a } }", "server.tls.client_ca_file:"),
        ("server: { tls: { client_crl_file: a } }", "server.tls.client_crl_file:"),
        ("server: { limits: { max_in_flight: 0 } }", "server.limits.max_in_flight:"),
        (
            "server: { limits: { max_message_bytes: 262143 } }",
            "server.limits.max_message_bytes: must be at least 262144",
        ),
        ("cache: { max_staleness: 6s }", "cache.max_staleness: from 100 milliseconds to 5 seconds"),
        ("cache: { max_staleness: 50ms }", "cache.max_staleness:"),
        ("cache: { max_sessions: 0 }", "cache.max_sessions:"),
        (
            "oidc: { providers: { github: { client_id: a, client_secret: b, claims_from_access_token: true } } }",
            "oidc.providers.github.claims_from_access_token:",
        ),
        (
            "oidc: { providers: { github: { client_id: a, client_secret: b, logout: { frontchannel: true } } } }",
            "oidc.providers.github.logout.frontchannel: is of OpenID Connect providers alone",
        ),
        (
            "oidc: { providers: { github: { client_id: a, client_secret: b, logout: { untyped_tokens: true } } } }",
            "oidc.providers.github.logout.untyped_tokens: is of OpenID Connect providers alone",
        ),
        (
            "oidc: { providers: { google: { client_id: a, client_secret: b, extra_parameters: [hd, state] } } }",
            "oidc.providers.google.extra_parameters: `state`",
        ),
        (
            "oidc: { providers: { google: { client_id: a, client_secret: b, roles_claims: [''] } } }",
            "oidc.providers.google.roles_claims:",
        ),
        (
            "app: { sessions: { max_logins_under_way: 10000001 } }",
            "app.sessions.max_logins_under_way: at most 10000000",
        ),
        ("app: { audit: { keep_for: 59 } }", "app.audit.keep_for: from 1 minute to 400 days"),
        ("app: { audit: { keep_for: 401d } }", "app.audit.keep_for: from 1 minute to 400 days"),
        ("app: { audit: { most_an_hour: 0 } }", "app.audit.most_an_hour: from 1 to 1000000"),
        ("app: { idempotency: { keep_answers_for: 86401 } }", "app.idempotency.keep_answers_for: at most 1 day"),
        ("app: { rates: { logins: { within: 0 } } }", "app.rates.logins.within: from 1 second to 1 day"),
        ("app: { rates: { callbacks: { per_client: 1000001 } } }", "app.rates.callbacks.per_client: at most 1000000"),
        ("app: { rates: { bad_credentials: { per_tenant: 1 } } }", "app.rates.bad_credentials.per_tenant: less than"),
        ("oidc: { refresh_tokens: { enabled: true } }", "oidc.refresh_tokens.enabled:"),
        ("app: { sessions: { max_age: 10, touch_interval: 1, idle_timeout: 11 } }", "app.sessions.idle_timeout:"),
        ("app: { sessions: { idle_timeout: 10, touch_interval: 11 } }", "app.sessions.touch_interval:"),
        ("app: { sessions: { auth_session_ttl_seconds: 2h } }", "app.sessions.auth_session_ttl_seconds:"),
        ("app: { sessions: { cookie: { name: __Host-session } } }", "app.sessions.cookie.name:"),
        ("app: { sessions: { cookie: { name: 'a b' } } }", "app.sessions.cookie.name:"),
        ("app: { sessions: { cookie: { binding_name: session } } }", "app.sessions.cookie.binding_name:"),
        ("app: { sessions: { former_signing_secrets: [short] } }", "app.sessions.former_signing_secrets[0]:"),
        ("app: { redirects: { after_login: //evil.example } }", "app.redirects.after_login:"),
        ("app: { redirects: { on_error: 'https://elsewhere.example/' } }", "app.redirects.on_error:"),
        ("app: { redirects: { allowed: ['https://*.example.com/'] } }", "app.redirects.allowed[0]:"),
        (
            "app: { redirects: { with_user_parameters: ['https://a.example/x'] } }",
            "app.redirects.with_user_parameters[0]:",
        ),
        ("app: { cors: { allowed_origins: ['https://a.example/x'] } }", "app.cors.allowed_origins[0]:"),
        ("edge: { mount_prefix: api/ }", "edge.mount_prefix:"),
        ("edge: { enabled: true, listen: 127.0.0.1:50051 }", "edge.listen:"),
        (&twice, "callers[1].key_hash:"),
        (&named, "callers[0].name:"),
        ("log: { level: loud }", "log.level: expected off, error, warn, info, debug or trace, or directives"),
        ("log: { level: 'gatelodge=loud' }", "log.level:"),
    ];
    for (yaml, key) in table {
        assert!(fault(yaml).starts_with(key), "{yaml}: {}", fault(yaml));
    }
}

#[test]
fn each_rule_of_redis_refuses_and_names_its_key() {
    let table = [
        ("store: { kind: redis, redis: { urls: [] } }", "store.redis.urls:"),
        ("store: { kind: redis, redis: { urls: ['redis://a', 'redis://b'] } }", "store.redis.urls:"),
        ("store: { kind: redis, redis: { sentinel: { master: m } } }", "store.redis.sentinel.urls: needs at least one"),
        (
            "store: { kind: redis, redis: { sentinel: { urls: ['redis://a'] } } }",
            "store.redis.sentinel.master: the sentinels",
        ),
        (
            "store: { kind: redis, redis: { urls: ['redis://a'], sentinel: { master: m, urls: ['redis://b'] } } }",
            "store.redis.urls: the sentinels say where the primary is",
        ),
        (
            "store: { kind: redis, redis: { cluster: true, sentinel: { master: m, urls: ['redis://b'] } } }",
            "store.redis.cluster: a cluster fails over by itself",
        ),
        (
            "store: { kind: redis, redis: { sentinel: { master: m, urls: ['redis://b/1'] } } }",
            "store.redis.sentinel.urls: a sentinel has no databases",
        ),
        (
            "store: { kind: redis, redis: { sentinel: { master: m, urls: ['redis://b', 'rediss://c'] } } }",
            "store.redis.sentinel.urls: either all addresses are rediss:// or none",
        ),
        (
            "store: { kind: redis, redis: { sentinel: { master: m, urls: ['redis://b'], username: u } } }",
            "store.redis.sentinel.username: a user name needs a password",
        ),
        (
            "store: { kind: redis, redis: { urls: ['redis://a'], wait_timeout: 11s } }",
            "store.redis.wait_timeout: at most",
        ),
        ("store: { redis: { urls: ['http://a'] } }", "store.redis.urls[0]:"),
        ("store: { redis: { urls: ['redis://a/main'] } }", "store.redis.urls[0]:"),
        ("store: { kind: redis, redis: { key_prefix: 'a{b}' } }", "store.redis.key_prefix:"),
    ];
    for (yaml, key) in table {
        assert!(fault(yaml).starts_with(key), "{yaml}: {}", fault(yaml));
    }
}

#[test]
fn each_rule_for_providers_refuses_and_names_its_key() {
    let table = [
        ("a: { client_secret: b, issuer: https://a.example }", "client_id"),
        ("a: { client_id: a, issuer: https://a.example }", "client_secret"),
        ("a: { PROVIDER }", "issuer"),
        ("a: { PROVIDER, issuer: 'https://a.example/#x' }", "issuer"),
        ("a: { PROVIDER, issuer: 'https://a@a.example/' }", "issuer"),
        ("a: { PROVIDER, issuer: https://a.example, scopes: [openid, 'a b'] }", "scopes"),
        ("a: { PROVIDER, issuer: 'ldap://a.example' }", "issuer"),
        ("a: { PROVIDER, issuer: 'https://a.example/?x=1' }", "issuer"),
        ("a: { PROVIDER, issuer: https://a.example, scopes: [email] }", "scopes"),
        ("a: { PROVIDER, issuer: https://a.example, clock_leeway: 61 }", "clock_leeway"),
        ("a: { PROVIDER, issuer: https://a.example, signing_algorithms: [] }", "signing_algorithms"),
        ("a: { PROVIDER, issuer: https://a.example, signing_algorithms: [HS256] }", "signing_algorithms[0]"),
        ("a: { PROVIDER, issuer: https://a.example, signing_algorithms: [none] }", "signing_algorithms[0]"),
        ("a: { PROVIDER, issuer: https://a.example, userinfo: sometimes }", "userinfo"),
    ];
    for (provider, key) in table {
        let yaml = format!("oidc: {{ providers: {{ {} }} }}", provider.replace("PROVIDER", PROVIDER));
        assert!(fault(&yaml).starts_with(&format!("oidc.providers.a.{key}: ")), "{yaml}: {}", fault(&yaml));
    }
    // contract.md 5: what another site has a browser post comes without every cookie that is not Secure.
    let table = [
        ("a: { PROVIDER, SSO, response_mode: form_post }", "response_mode: form_post needs an https"),
        ("a: { client_id: a, SSO, client_auth: private_key_jwt }", "private_key: missing"),
        ("a: { client_id: a, SSO, client_auth: private_key_jwt, private_key: x }", "private_key: holds no private key"),
        ("a: { PROVIDER, SSO, client_auth: tls_client_auth, private_key: x }", "cert_file: missing"),
        ("a: { PROVIDER, SSO, client_auth: client_secret_jwt }", "client_auth"),
        ("a: { PROVIDER, SSO, pushed_authorization: off }", "pushed_authorization"),
        (
            "a: { PROVIDER, SSO, directories: [8eaef023-2b34-4da1-9baa-8bc8c9d6a490] }",
            "directories: this issuer is one",
        ),
        ("a: { PROVIDER, preset: microsoft, directories: [contoso.com] }", "directories: expected ids"),
        ("a: { PROVIDER, preset: github, dpop_key: k }", "dpop_key: is of OpenID Connect"),
        ("a: { PROVIDER, preset: github, pushed_authorization: always }", "pushed_authorization: is of OpenID Connect"),
    ];
    for (provider, said) in table {
        let provider = provider.replace("PROVIDER", PROVIDER).replace("SSO", "issuer: https://a.example");
        let yaml = format!("oidc: {{ providers: {{ {provider} }} }}");
        assert!(fault(&yaml).starts_with(&format!("oidc.providers.a.{said}")), "{yaml}: {}", fault(&yaml));
    }
    let https = "app: { redirects: { public_base_url: https://a.example } }";
    let apple =
        |more: &str| faults(&format!("{https}\noidc: {{ providers: {{ apple: {{ client_id: a, {more} }} }} }}"), &[]);
    let keys = |lines: Vec<String>| {
        let key =
            |line: &String| line.split(' ').nth(1).unwrap().trim_start_matches("oidc.providers.apple.").to_owned();
        lines.iter().map(key).collect::<Vec<_>>()
    };
    assert_eq!(keys(apple("team_id: T")), ["key_id:", "private_key:"]);
    let key = "team_id: T, key_id: K, private_key: x";
    assert_eq!(keys(apple(&format!("{key}, client_secret: s"))), ["client_auth:", "private_key:"]);
    assert_eq!(keys(apple(key)), ["private_key:"]);
    // contract.md 5: one issuer appears once.
    let same = format!("oidc: {{ providers: {{ google: {{ {PROVIDER} }}, b: {{ {PROVIDER}, preset: google }} }} }}");
    assert!(fault(&same).contains("has the same issuer"), "{}", fault(&same));
    // security.md 7, 39: plain http is for development alone.
    let http = format!("oidc: {{ providers: {{ a: {{ {PROVIDER}, issuer: http://localhost:8080/r }} }} }}");
    assert!(fault(&http).starts_with("oidc.providers.a.issuer: plain http"));
    assert_eq!(faults(&format!("development: true\n{http}"), &[]), [""; 0]);
}

// security.md 101: plaintext on an address that others can reach does not start without an explicit flag.
#[test]
fn plaintext_that_others_can_reach_needs_a_flag() {
    for address in ["0.0.0.0:50051", "'[::]:50051'", "192.168.1.2:50051"] {
        let yaml = format!("server: {{ listen: {address} }}");
        assert!(fault(&yaml).starts_with("server.listen: other machines"), "{address}");
        assert_eq!(faults(&yaml.replace(" }", ", allow_plaintext: true }"), &[]), [""; 0]);
        let with_tls = faults(&yaml.replace(" }", ", tls: { cert_file: /none, key_file: /none } }"), &[]);
        assert!(with_tls.iter().all(|fault| fault.contains("server.tls.") && !fault.contains("server.listen")));
    }
    for address in ["127.0.0.1:1", "'[::1]:1'"] {
        assert_eq!(faults(&format!("server: {{ listen: {address} }}"), &[]), [""; 0]);
    }
}

#[test]
fn a_plain_http_base_url_is_for_this_machine_or_development() {
    let base = |url: &str| format!("app: {{ redirects: {{ public_base_url: {url} }} }}");
    assert!(fault(&base("http://app.example.com")).starts_with("app.redirects.public_base_url: plain http"));
    let said = |yaml: &str| warnings(yaml, &[]).iter().any(|line| line.contains("app.redirects.public_base_url"));
    assert!(said(&base("http://localhost:8000")) && said(""));
    assert!(!said(&base("https://app.example.com")));
    assert_eq!(faults(&format!("development: true\n{}", base("http://app.example.com")), &[]), [""; 0]);
}

#[test]
fn landing_places_may_be_any_allowed_address() {
    let yaml = "app: { redirects: { public_base_url: https://app.example.com, allowed: ['http://localhost:5173/cb', \
                'https://spa.example.com/in/*'], after_login: 'https://spa.example.com/in/home?x=1', \
                after_logout: https://app.example.com/bye, on_error: /oops, \
                with_user_parameters: ['http://localhost:5173/cb'] } }";
    assert_eq!(faults(yaml, &[]), [""; 0]);
}

// security.md 25: what turns it off is said at each start.
#[test]
fn taking_untyped_logout_tokens_is_worth_a_warning() {
    let with = |more: &str| {
        let yaml = format!("oidc: {{ providers: {{ google: {{ {PROVIDER}{more} }} }} }}");
        warnings(&yaml, &[]).into_iter().filter(|line| line.contains("logout.untyped_tokens")).count()
    };
    assert_eq!((with(", logout: { untyped_tokens: true }"), with("")), (1, 0));
}
