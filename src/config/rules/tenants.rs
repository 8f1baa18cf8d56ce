//! Owns the rules between tenants, and between them and the callers. Does not know what holds within one: it is judged as
//! if it were alone.

use std::collections::BTreeMap;

use super::Judgement;
use crate::authority::tenants::host;
use crate::config::Config;
use crate::config::oidc::{Kind, TokenCheck};
use crate::config::tenants::is_name;
use crate::session::origin::Origin;

/// In place of names: every tenant.
pub const EVERY: &str = "*";

pub(super) fn judge(config: &Config, judgement: &mut Judgement) {
    let default = &config.tenant;
    judgement.check(default.number > 0, "tenant.number", "tenants count from 1");
    judgement.check(!default.name.is_empty(), "tenant.name", "must not be empty");
    let told_apart = default.name != EVERY && default.name.parse::<u32>().is_err();
    judgement.check(told_apart, "tenant.name", "must not be a number or `*`: callers name tenants by either");
    let mut numbers = BTreeMap::from([(default.number, "tenant".to_owned())]);
    for (name, tenant) in &config.tenants {
        let path = format!("tenants.{name}");
        if !is_name(name) {
            let message = "a tenant's name has lower case letters, digits and `-`, and begins with a letter";
            judgement.fault(&path, message);
        }
        judgement.check(*name != default.name, &path, "is the name of the default tenant (`tenant.name`)");
        if tenant.number == 0 {
            let message = "missing: its number, from 1 on, which no other tenant has or ever had";
            judgement.fault(format!("{path}.number"), message);
        } else if let Some(other) = numbers.insert(tenant.number, path.clone()) {
            judgement.fault(format!("{path}.number"), format!("`{other}` has the same; each has its own, for ever"));
        }
    }
    former_names(config, judgement);
    hosts(config, judgement);
    cookies(config, judgement);
    tokens(config, judgement);
    logouts(config, judgement);
    callers(config, judgement);
}

fn former_names(config: &Config, judgement: &mut Judgement) {
    let others = config.tenants.iter().map(|(name, tenant)| (format!("tenants.{name}"), &tenant.formerly));
    for (path, names) in std::iter::once(("tenant".to_owned(), &config.tenant.formerly)).chain(others) {
        for (at, name) in names.iter().enumerate() {
            let is_free = *name != config.tenant.name && !config.tenants.contains_key(name);
            let message = "a tenant of this configuration has this name now";
            judgement.check(is_free, &format!("{path}.formerly[{at}]"), message);
        }
    }
}

fn hosts(config: &Config, judgement: &mut Judgement) {
    let (mut whose, mut of_base) = (BTreeMap::new(), Vec::new());
    for (at, tenancy) in config.tenancies().enumerate() {
        let path = if at == 0 { "tenant".to_owned() } else { format!("tenants.{}", tenancy.tenant.name) };
        let base = Origin::new(&tenancy.app.redirects.public_base_url).map(|origin| host::of(&origin));
        let hosts: Vec<_> = tenancy.tenant.hosts.iter().map(|one| host::written(one)).collect();
        for (at, one) in hosts.iter().enumerate() {
            let here = format!("{path}.hosts[{at}]");
            let own = (here.clone(), base.clone());
            if let Some((other, _)) = one.clone().and_then(|one| whose.insert(one, own)) {
                judgement.fault(here, format!("stands at `{other}` too; requests there would be of either"));
            }
        }
        let Some(base) = base.filter(|_| !config.tenants.is_empty()) else { continue };
        let leads_here = |one: &Option<String>| one.as_ref().is_some_and(|one| *one == base || *one == portless(&base));
        if hosts.is_empty() {
            of_base.push((path, base));
        } else if !hosts.iter().any(leads_here) {
            let message = format!(
                "`{base}` is missing, the host of its `app.redirects.public_base_url`, where providers send its browsers \
                 back: there they would be another tenant's or nobody's. Add it, or give the tenant an address of its own"
            );
            judgement.fault(format!("{path}.hosts"), message);
        }
    }
    for (path, base) in of_base {
        let here = whose.get(&base).or_else(|| whose.get(portless(&base)));
        // Those whose base URL is the same share its host, and are told apart by cookies.
        if let Some((other, _)) = here.filter(|(_, theirs)| theirs.as_ref() != Some(&base)) {
            let message = format!(
                "is the host of `{path}.app.redirects.public_base_url` too, which has no `hosts`; requests there would be \
                 of either"
            );
            judgement.fault(other.clone(), message);
        }
    }
}

fn portless(host: &str) -> &str {
    host::without_port(host.as_bytes()).and_then(|name| host.get(..name.len())).unwrap_or(host)
}

/// What tenants give out or take as bearer tokens has to tell them apart.
fn tokens(config: &Config, judgement: &mut Judgement) {
    let (mut issuers, mut accepted) = (BTreeMap::new(), BTreeMap::new());
    for (at, tenancy) in config.tenancies().enumerate() {
        let name = tenancy.tenant.name.clone();
        let place = |key: &str| if at == 0 { key.to_owned() } else { format!("tenants.{name}.{key}") };
        let mint = &tenancy.tokens.mint;
        let issuer = mint.issuer.clone().unwrap_or_else(|| tenancy.app.redirects.public_base_url.clone());
        if let Some(other) = mint.enabled.then(|| issuers.insert(issuer, name.clone())).flatten() {
            let message = format!(
                "`{other}` mints tokens under this issuer too: nobody could tell by which tenant one was minted, or find \
                 its key. Give each an issuer of its own"
            );
            judgement.fault(place("tokens.mint.issuer"), message);
        }
        for (provider, own) in tenancy.oidc.providers.iter().filter(|(_, own)| own.enabled) {
            let tokens = &own.access_tokens;
            let Some(issuer) = own.issuer_of(provider).filter(|_| tokens.check != TokenCheck::Off) else { continue };
            for audience in &tokens.audiences {
                let key = (issuer.to_owned(), audience.clone());
                if let Some(other) = accepted.insert(key, name.clone()).filter(|other| *other != name) {
                    let message = format!(
                        "`{other}` accepts tokens of {issuer} for `{audience}` too: one that its users hold is good here. \
                         Give each tenant's APIs an audience of their own"
                    );
                    judgement.warn(place(&format!("oidc.providers.{provider}.access_tokens.audiences")), message);
                }
            }
        }
    }
}

/// A client has one address at its provider for logout tokens, and each of them is carried out for one tenant.
fn logouts(config: &Config, judgement: &mut Judgement) {
    let mut whose = BTreeMap::new();
    for (at, tenancy) in config.tenancies().enumerate() {
        let name = tenancy.tenant.name.clone();
        for (provider, own) in tenancy.oidc.providers.iter().filter(|(_, own)| own.enabled) {
            let client = own.issuer_of(provider).zip(own.client_id.as_deref()).filter(|_| own.logout.backchannel);
            let Some((issuer, client)) = client.filter(|_| own.kind_of(provider) == Kind::Oidc) else { continue };
            let key = (issuer.to_owned(), client.to_owned());
            if let Some(other) = whose.insert(key, name.clone()).filter(|other| *other != name) {
                let key = format!("oidc.providers.{provider}.client_id");
                let message = format!(
                    "`{other}` has this client at {issuer} too: the provider tells one of the two of its logouts, and the \
                     other's sessions live on. Give each tenant a client of its own"
                );
                judgement.warn(if at == 0 { key } else { format!("tenants.{name}.{key}") }, message);
            }
        }
    }
}

/// Where tenants share an origin, a browser has one cookie of a name for all of them.
fn cookies(config: &Config, judgement: &mut Judgement) {
    let (mut whose, mut bindings) = (BTreeMap::new(), BTreeMap::new());
    for tenancy in config.tenancies() {
        let (name, sessions) = (tenancy.tenant.name, &tenancy.app.sessions);
        let base = tenancy.app.redirects.public_base_url;
        let binding = (base.clone(), sessions.cookie.binding_name.clone());
        let secret = sessions.signing_secret.as_ref().map(|secret| secret.expose().to_owned());
        if let Some((other, theirs)) = bindings.insert(binding, (name.clone(), secret.clone()))
            && theirs != secret
        {
            let message = format!(
                "`{other}` has the same `public_base_url` and the same binding cookie, and another signing secret: a login \
                 with one that begins meanwhile makes one with the other fail. Give each its own"
            );
            judgement.warn(format!("tenants.{name}.app.sessions.cookie.binding_name"), message);
        }
        let key = (base, sessions.cookie.name.clone());
        if let Some(other) = whose.insert(key, name.clone()) {
            let message = format!(
                "`{other}` has the same `public_base_url` and the same cookie: a login with one takes the place of the \
                 other's session in that browser. Give each its own"
            );
            judgement.warn(format!("tenants.{name}.app.sessions.cookie.name"), message);
        }
    }
}

fn callers(config: &Config, judgement: &mut Judgement) {
    let known = |name: &String| name == EVERY || *name == config.tenant.name || config.tenants.contains_key(name);
    for (at, caller) in config.callers.iter().enumerate() {
        let path = format!("callers[{at}].tenants");
        for (place, _) in caller.tenants.iter().enumerate().filter(|(_, name)| !known(name)) {
            let message =
                "no tenant of this configuration; `tenant.name` is the default one's, `\"*\"` means every one";
            judgement.fault(format!("{path}[{place}]"), message);
        }
        if caller.tenants.is_empty() && !config.tenants.is_empty() {
            let message = "this caller may ask for every tenant, those of later too; name those it is for, or `\"*\"`";
            judgement.warn(path, message);
        }
    }
}
