//! Owns what tenants inherit, what is refused of them, and where it is said. Does not know how calls find them.

use std::time::Duration;

use gatelodge::app::settings::{key_rings, settings};
use gatelodge::config::Config;

use super::{SECRETS, faults, load_sound, warnings};

const TWO: &str = "\
oidc:
  providers:
    google: { client_id: a, client_secret: b }
app:
  sessions:
    max_age: 4h
    cookie: { name: shared }
    former_signing_secrets: ['aQ8mVJ0b2E5yY1rXc7uT4wKzN9pLfHsDa3iQeR6oGxU']
  redirects: { public_base_url: https://app.example.com, allowed: ['https://a.example/*'] }
tenants:
  acme:
    number: 2
    oidc:
      providers:
        google: { enabled: false }
        own: { issuer: https://login.acme.example, client_id: c, client_secret: d }
    app:
      sessions: { max_age: 2h, idle_timeout: 1h }
      redirects: { public_base_url: https://acme.example.com, allowed: [] }
  globex:
    number: 3
    hosts: [globex.example.com, 'GLOBEX.example:8443']
    app:
      redirects: { public_base_url: 'https://globex.example.com' }
      sessions: { signing_secret: '6bV0c2fKq9Xw1LrTz8uYp4sNd7hGm3eJa5iOQxRkUWE' }
";

fn tenancies(yaml: &str, variables: &[(&str, &str)]) -> Vec<Config> {
    load_sound(yaml, variables).unwrap_or_else(|faults| panic!("{faults}")).config.tenancies().collect()
}

#[test]
fn a_tenant_has_what_it_says_and_all_else_as_the_top_level() {
    let all = tenancies(TWO, &[]);
    let [default, acme, globex] = all.as_slice() else { panic!("{}", all.len()) };
    let (of, names) = (|config: &Config| settings(config).unwrap(), |config: &Config| config.tenant.name.clone());
    assert_eq!([default, acme, globex].map(names), ["default", "acme", "globex"]);
    assert_eq!([default, acme, globex].map(|config| of(config).tenant.0), [1, 2, 3]);
    let hours = [default, acme, globex].map(|config| of(config).lifetimes.absolute.as_secs() / 3600);
    assert_eq!(hours, [4, 2, 4]);
    assert_eq!(of(acme).lifetimes.idle, Duration::from_hours(1));
    assert_eq!(of(acme).session_cookie_names(), ["__Host-shared"], "a key beside those that it says");
    assert_eq!(of(acme).callback_address(), "https://acme.example.com/auth/web/callback");
    assert!(of(default).places.allowed.len() == 1 && of(acme).places.allowed.is_empty(), "a list is replaced");
    let offered = |config: &Config| {
        let providers = config.oidc.providers.iter().filter(|(_, provider)| provider.enabled);
        providers.map(|(name, _)| name.clone()).collect::<Vec<_>>()
    };
    assert_eq!([default, acme, globex].map(offered), [vec!["google"], vec!["own"], vec!["google"]]);
}

// security.md 104: who is trusted with a tenant's users is said for that tenant, and a secret goes to no other provider.
#[test]
fn no_tenant_inherits_whom_the_top_level_trusts_or_a_secret_for_another_provider() {
    let yaml = "\
oidc:
  providers:
    keycloak: { issuer: https://own.example, client_id: a, client_secret: b, allow_private_network: true }
app:
  cors: { allowed_origins: [https://spa.example.com] }
  redirects:
    public_base_url: https://app.example.com
    allowed: ['https://spa.example.com/*']
    with_user_parameters: ['https://spa.example.com/callback']
tenants:
  acme:
    number: 2
    oidc: { providers: { keycloak: { issuer: https://acme.example, client_secret: of-its-own } } }
    app: { redirects: { public_base_url: https://acme.example.com } }
  globex: { number: 3 }
";
    let all = tenancies(yaml, &[]);
    let [default, acme, globex] = all.as_slice() else { panic!("{}", all.len()) };
    let trusted = |config: &Config| {
        let settings = settings(config).unwrap();
        (settings.csrf.allowed_origins.len(), settings.places.allowed.len(), settings.places.with_user.len())
    };
    assert_eq!([default, acme, globex].map(trusted), [(1, 1, 1), (0, 0, 0), (0, 0, 0)]);
    let reach = |config: &Config| config.oidc.providers["keycloak"].allow_private_network;
    assert_eq!([default, acme, globex].map(reach), [true, false, true]);
    let missing = yaml.replace(", client_secret: of-its-own", "");
    let found = faults(&missing, &[]);
    assert!(found.iter().any(|line| line.contains("tenants.acme.oidc.providers.keycloak.client_secret")), "{found:?}");
}

// store.md 2: whoever has a secret of their own has nothing of the top level's; whoever has none shares it, derived apart.
#[test]
fn a_tenant_with_a_secret_of_its_own_accepts_no_former_one_of_the_top_level() {
    let all = tenancies(TWO, &[]);
    let former = |config: &Config| config.app.sessions.former_signing_secrets.len();
    assert_eq!(all.iter().map(former).collect::<Vec<_>>(), [1, 1, 0]);
    let secret = |config: &Config| config.app.sessions.signing_secret.clone().unwrap().expose().to_owned();
    assert!(secret(&all[0]) == secret(&all[1]) && secret(&all[0]) != secret(&all[2]));
    assert!(all.iter().all(|config| key_rings(config).is_some()));
}

#[test]
fn the_environment_wins_over_the_file_and_what_a_tenant_says_over_the_top_level() {
    let variables = [
        ("GATELODGE__APP__SESSIONS__MAX_AGE", "5h"),
        ("GATELODGE__APP__SESSIONS__COOKIE__NAME", "other"),
        ("GATELODGE__TENANTS__GLOBEX__APP__SESSIONS__COOKIE__NAME", "globex"),
        ("GATELODGE__TENANTS__NEW_ONE__NUMBER", "7"),
    ];
    let all = tenancies(TWO, &variables);
    let of = |config: &Config| {
        let sessions = &config.app.sessions;
        (config.tenant.name.clone(), sessions.max_age.get().as_secs() / 3600, sessions.cookie.name.clone())
    };
    let expected = [("default", 5, "other"), ("acme", 2, "other"), ("globex", 5, "globex"), ("new-one", 5, "other")];
    let expected = expected.map(|(name, hours, cookie)| (name.to_owned(), hours, cookie.to_owned()));
    assert_eq!(all.iter().map(of).collect::<Vec<_>>(), expected);
}

#[test]
fn every_value_of_a_tenant_says_where_it_came_from() {
    let loaded = load_sound(TWO, &[("GATELODGE__TENANTS__ACME__APP__SESSIONS__MAX_AGE", "3h")]).unwrap();
    let origin = |key: &str| loaded.entries().into_iter().find(|entry| entry.key == key).map(|entry| entry.origin);
    let table = [
        ("tenants.acme.number", "f.yaml:12:13"),
        ("tenants.acme.app.sessions.max_age", "GATELODGE__TENANTS__ACME__APP__SESSIONS__MAX_AGE"),
        ("tenants.acme.app.sessions.idle_timeout", "f.yaml:18:46"),
        ("tenants.acme.app.sessions.cookie.name", "f.yaml:7:21"),
        ("tenants.acme.app.sessions.touch_interval", "default"),
        ("tenants.acme.app.sessions.signing_secret", "SESSION_SIGNING_SECRET"),
        ("tenants.globex.app.sessions.max_age", "f.yaml:6:14"),
        ("tenants.globex.hosts[0]", "f.yaml:22:13"),
    ];
    for (key, expected) in table {
        assert_eq!(origin(key).as_deref(), Some(expected), "{key}");
    }
    let shown = loaded.explained();
    assert!(shown.contains("  acme:") && shown.contains("# f.yaml:18:46"), "{shown}");
    assert!(!shown.contains(SECRETS[0].1) && !shown.contains("6bV0c2fKq9Xw1LrTz8uYp4sNd7hGm3eJa5iOQxRkUWE"));
}

#[test]
fn every_fault_of_a_tenant_is_said_with_its_place_and_an_inherited_one_once() {
    let yaml = "\
oidc: { refresh_tokens: { enabled: true } }
tenant: { number: 2, name: '7', hosts: [acme.example.com, localhost] }
tenants:
  acme:
    number: 2
    hosts: [ACME.example.com, 'https://x']
    numbr: 3
    oidc:
      providers:
        google: { client_id: x }
        intern: { issuer: https://10.0.0.5, client_id: x, client_secret: '${NOT_SET}' }
    app:
      sessions: { idle_timeout: 2days, csrf_token_max_age_hours: 0 }
      cors: { allowed_origins: ['https://a.example/path'] }
  '7': { number: 3 }
  Bad_Name: { number: 4 }
  none: {}
callers:
  - { name: web, role: edge, key_hash: 'sha256:HASH', tenants: [acme, nobody] }
";
    let yaml = yaml.replace("HASH", &"ab".repeat(32));
    let message = "a tenant's name has lower case letters, digits and `-`, and begins with a letter";
    assert_eq!(
        faults(&yaml, &[]),
        [
            "f.yaml:1:36: oidc.refresh_tokens.enabled: refreshing needs the refresh token to be kept: set \
             `persist_in_session_store: true`, or `enabled: false`",
            "f.yaml:2:28: tenant.name: must not be a number or `*`: callers name tenants by either",
            "f.yaml:5:13: tenants.acme.number: `tenant` has the same; each has its own, for ever",
            "f.yaml:6:13: tenants.acme.hosts[0]: stands at `tenant.hosts[0]` too; requests there would be of either",
            "f.yaml:6:31: tenants.acme.hosts[1]: expected a host, perhaps with its port (`acme.example.com`)",
            "f.yaml:7:5: tenants.acme.numbr: unknown key; did you mean `number`?",
            "f.yaml:10:17: tenants.acme.oidc.providers.google.client_secret: missing: give `client_secret` or \
             `client_secret_file` (public clients are not supported)",
            "f.yaml:11:27: tenants.acme.oidc.providers.intern.issuer: its host is not public; \
             `allow_private_network: true` is for a provider on the intranet",
            "f.yaml:11:74: tenants.acme.oidc.providers.intern.client_secret: the variable NOT_SET is not set",
            "f.yaml:13:33: tenants.acme.app.sessions.idle_timeout: at most `max_age`: the session ends then anyway",
            "f.yaml:13:66: tenants.acme.app.sessions.csrf_token_max_age_hours: at least 1",
            "f.yaml:14:33: tenants.acme.app.cors.allowed_origins[0]: expected an origin without a path (`https://app.example.com`)",
            &format!("f.yaml:15:8: tenants.7: {message}"),
            &format!("f.yaml:16:13: tenants.Bad_Name: {message}"),
            "f.yaml:17:9: tenants.none.number: missing: its number, from 1 on, which no other tenant has or ever had",
            "f.yaml:19:131: callers[0].tenants[1]: no tenant of this configuration; `tenant.name` is the default one's, \
             `\"*\"` means every one",
        ]
    );
}

#[test]
fn what_is_allowed_and_worth_a_second_look_is_warned_of() {
    let key = format!("key_hash: 'sha256:{}'", "ab".repeat(32));
    let of = |tenants: &str, caller: &str| {
        let yaml = format!(
            "tenants: {{ acme: {{ number: 2, {tenants} }} }}\ncallers: [{{ name: web, role: edge, {key}{caller} }}]\n"
        );
        let found = warnings(&yaml, &[]).into_iter();
        found.filter(|line| line.contains("tenants")).collect::<Vec<_>>()
    };
    let own = "app: { redirects: { public_base_url: 'https://acme.example.com' } }";
    let unbound = of(own, "");
    assert!(
        unbound.len() == 1 && unbound[0].contains("callers[0].tenants: this caller may ask for every"),
        "{unbound:?}"
    );
    assert_eq!(of(own, ", tenants: ['*']"), [""; 0]);
    let same = of("", ", tenants: [default, acme]");
    assert!(
        same.len() == 1 && same[0].contains("tenants.acme.app.sessions.cookie.name: `default` has the same"),
        "{same:?}"
    );
    assert_eq!(of("app: { sessions: { cookie: { name: acme } } }", ", tenants: [acme]"), [""; 0]);
    let other = "sessions: { cookie: { name: acme }, signing_secret: '6bV0c2fKq9Xw1LrTz8uYp4sNd7hGm3eJa5iOQxRkUWE' }";
    let bindings = of(&format!("app: {{ {other} }}"), ", tenants: [acme]");
    assert!(
        bindings.len() == 1
            && bindings[0].contains("tenants.acme.app.sessions.cookie.binding_name: `default` has the same"),
        "{bindings:?}"
    );
    assert!(warnings("", &[]).iter().all(|line| !line.contains("tenants")));
}

// Providers send a browser back to the public base URL: there it has to be the same tenant's.
#[test]
fn the_hosts_of_a_tenant_are_its_own_and_that_of_its_address_is_among_them() {
    let of = |default: &str, acme: &str, globex: &str| {
        let tenant = |name: &str, number: u8, hosts: &str| {
            let address = format!("app: {{ redirects: {{ public_base_url: 'https://{name}.example' }} }}");
            format!("  {name}: {{ number: {number}, hosts: [{hosts}], {address} }}\n")
        };
        let (acme, globex) = (tenant("acme", 2, acme), tenant("globex", 3, globex));
        let yaml = format!(
            "tenant: {{ hosts: [{default}] }}\napp: {{ redirects: {{ public_base_url: 'https://app.example:8443' }} }}\n\
             tenants:\n  same: {{ number: 4 }}\n{acme}{globex}"
        );
        faults(&yaml, &[]).into_iter().map(|line| line.split_once(": ").unwrap().1.to_owned()).collect::<Vec<_>>()
    };
    let good = [
        ("", "", ""),
        ("app.example", "www.acme.example, ACME.example", ""),
        ("app.example:8443", "", "globex.example"),
    ];
    for (default, acme, globex) in good {
        assert_eq!(of(default, acme, globex), [""; 0], "{default} {acme} {globex}");
    }
    for (default, acme, globex, fault) in [
        ("www.app.example", "", "", "tenant.hosts: `app.example:8443` is missing"),
        ("", "www.acme.example", "", "tenants.acme.hosts: `acme.example` is missing"),
        ("", "acme.example, globex.example", "", "tenants.acme.hosts[1]: is the host of `tenants.globex.app"),
        ("", "acme.example, app.example", "", "tenants.acme.hosts[1]: is the host of `tenant.app"),
        (
            "",
            "acme.example",
            "globex.example, acme.example",
            "tenants.globex.hosts[1]: stands at `tenants.acme.hosts[0]`",
        ),
    ] {
        let found = of(default, acme, globex);
        assert!(found.iter().any(|line| line.starts_with(fault)), "{fault}: {found:?}");
    }
    assert_eq!(faults("tenant: { hosts: [elsewhere.example] }", &[]), [""; 0], "alone it has every request");
}

#[test]
fn tokens_of_two_tenants_are_told_apart_by_their_issuers_and_audiences() {
    let yaml = |acme: &str| {
        format!(
            "oidc: {{ providers: {{ idp: {{ issuer: 'https://idp.example', client_id: a, client_secret: b, \
             access_tokens: {{ check: jwt, audiences: [api] }} }} }} }}\ntokens: {{ mint: {{ enabled: true, audiences: [x] }} }}\n\
             tenants: {{ acme: {{ number: 2{acme} }} }}"
        )
    };
    let shared = faults(&yaml(""), &[]);
    let message = "tenants.acme.tokens.mint.issuer: `default` mints tokens under this issuer too";
    assert!(shared.len() == 1 && shared[0].contains(message), "{shared:?}");
    let address = ", app: { redirects: { public_base_url: 'https://acme.example' } }";
    let told = |more: &str| {
        let found = warnings(&yaml(&format!("{address}{more}")), &[]).into_iter();
        found.filter(|line| line.contains("audiences")).collect::<Vec<_>>()
    };
    let warned = told("");
    let message = "tenants.acme.oidc.providers.idp.access_tokens.audiences: `default` accepts tokens of https://idp.example \
                   for `api` too";
    assert!(warned.len() == 1 && warned[0].contains(message), "{warned:?}");
    assert_eq!(told(", oidc: { providers: { idp: { access_tokens: { audiences: [acme] } } } }"), [""; 0]);
}

// A provider sends a client's logout tokens to one address, and each is carried out for one tenant.
#[test]
fn tenants_that_share_a_client_are_told_that_logouts_reach_one_of_them() {
    let told = |own: &str| {
        let yaml = format!(
            "app: {{ redirects: {{ public_base_url: 'https://app.example' }} }}\n\
             oidc: {{ providers: {{ idp: {{ issuer: 'https://idp.example', client_id: a, client_secret: b }} }} }}\n\
             tenants: {{ acme: {{ number: 2, app: {{ redirects: {{ public_base_url: 'https://acme.example' }} }}{own} }} }}"
        );
        warnings(&yaml, &[]).into_iter().filter(|line| line.contains(".client_id")).collect::<Vec<_>>()
    };
    let warned = told("");
    let message = "tenants.acme.oidc.providers.idp.client_id: `default` has this client at https://idp.example too";
    assert!(warned.len() == 1 && warned[0].contains(message), "{warned:?}");
    let others = [
        "{ client_id: acme, client_secret: c }",
        "{ issuer: 'https://acme-idp.example', client_id: a, client_secret: c }",
        "{ logout: { backchannel: false } }",
    ];
    for own in others {
        assert_eq!(told(&format!(", oidc: {{ providers: {{ idp: {own} }} }}")), [""; 0], "{own}");
    }
}
