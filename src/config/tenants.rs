//! Owns the tenants of a configuration: the default one, which stands at the top level, and those that inherit from it all
//! that they do not say. Does not know what a key of theirs means.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Config;
use super::app::App;
use super::fault::Fault;
use super::oidc::Oidc;
use super::tokens::Tokens;
use super::tree::{Content, Node, join};

/// The default tenant: its number stands in every state and credential.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Tenant {
    /// Its number, from 1 on. Once given, it is refused to a tenant of another name.
    pub number: u32,
    /// Its name, as answers show it and callers name it.
    pub name: String,
    /// The hosts at which it is reached. Default: that of `app.redirects.public_base_url`.
    #[schemars(with = "Vec<Host>")]
    pub hosts: Vec<String>,
    /// Names that it had before. The store knows whose each number is, and lets no tenant of another name have it.
    pub formerly: Vec<String>,
}

impl Default for Tenant {
    fn default() -> Self {
        Self { number: 1, name: "default".into(), hosts: Vec::new(), formerly: Vec::new() }
    }
}

/// A tenant beside the default one. What it does not say of `oidc`, `app` and `tokens` is as at the top level.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OtherTenant {
    /// Its number, from 1 on, in every state and credential of its own. Once given, it is refused to
    /// a tenant of another name.
    pub number: u32,
    /// The hosts at which it is reached. Default: that of its `app.redirects.public_base_url`.
    #[schemars(with = "Vec<Host>")]
    pub hosts: Vec<String>,
    /// Names that it had before. The store knows whose each number is, and lets no tenant of another name have it.
    pub formerly: Vec<String>,
    /// Who logs its people in.
    pub oidc: Oidc,
    /// Its application.
    pub app: App,
    /// Tokens that it gives out.
    pub tokens: Tokens,
}

/// A host, perhaps with its port.
#[derive(JsonSchema)]
#[schemars(inline, extend("format" = "host"))]
struct Host(#[expect(dead_code, reason = "read by the schema alone")] String);

/// The sections that tenants inherit.
const INHERITED: [&str; 3] = ["oidc", "app", "tokens"];

/// Whether a text can be a tenant's name beside numbers: lower case letters, digits and `-`, beginning with a letter.
#[must_use]
pub fn is_name(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    text.len() <= 64 && text.starts_with(|sign: char| sign.is_ascii_lowercase()) && text.bytes().all(plain)
}

/// Whom the top level trusts, which no tenant inherits: a place or an origin that is trusted is handed the tenant's users.
const TRUST: [[&str; 2]; 3] =
    [["cors", "allowed_origins"], ["redirects", "allowed"], ["redirects", "with_user_parameters"]];
/// What makes a provider another one, or another client there.
const IDENTITY: [&str; 5] = ["preset", "kind", "issuer", "client_id", "oauth2"];
/// What belongs to the provider of the top level alone: its secret, and how far it is trusted.
const CREDENTIALS: [&str; 3] = ["client_secret", "ca_file", "allow_private_network"];

/// Puts the sections of the top level under those of each tenant, so that what comes out says all of it.
pub fn inherit(root: &mut Node) {
    let inherited: Vec<_> = INHERITED.iter().filter_map(|name| Some((*name, root.get(&[name])?.clone()))).collect();
    let Content::Map(entries) = &mut root.content else { return };
    let Some((_, tenants)) = entries.iter_mut().find(|(key, _)| key.text == "tenants") else { return };
    let Content::Map(tenants) = &mut tenants.content else { return };
    for (_, tenant) in tenants {
        for (name, section) in &inherited {
            let mut whole = section.clone();
            for path in &TRUST {
                whole.remove(path);
            }
            if let Some(own) = tenant.get(&[name]) {
                leave_former_secrets(&mut whole, own);
                leave_credentials(&mut whole, own);
                whole.overlay(own);
            }
            tenant.set(&[(*name).to_owned()], whole);
        }
    }
}

/// A tenant with a secret of its own has former ones of its own: those of the top level have signed nothing of it.
fn leave_former_secrets(inherited: &mut Node, own: &Node) {
    let is_given = |path: &[&str]| own.get(path).is_some_and(|node| !matches!(node.content, Content::Nothing));
    for (name, former, ring) in [
        ("signing_secret", "former_signing_secrets", "session"),
        ("csrf_signing_secret", "former_csrf_signing_secrets", "csrf"),
    ] {
        if is_given(&["sessions", name]) {
            inherited.remove(&["sessions", former]);
            inherited.remove(&["sessions", "rings", ring]);
        }
    }
}

/// A provider of the same name that is another one, or another client there, is not given the secret of the first.
fn leave_credentials(inherited: &mut Node, own: &Node) {
    let Some(Node { content: Content::Map(providers), .. }) = own.get(&["providers"]) else { return };
    for (name, provider) in providers {
        if IDENTITY.iter().any(|key| provider.get(&[key]).is_some()) {
            for key in CREDENTIALS {
                inherited.remove(&["providers", &name.text, key]);
            }
        }
    }
}

impl Config {
    /// The configuration of each tenant by itself, as if it were the only one: the default one first, then the others by
    /// name.
    pub fn tenancies(&self) -> impl Iterator<Item = Self> {
        let alone = Self { tenants: std::collections::BTreeMap::new(), ..self.clone() };
        let others = self.tenants.iter().map({
            let alone = alone.clone();
            move |(name, own)| Self {
                tenant: Tenant {
                    number: own.number,
                    name: name.clone(),
                    hosts: own.hosts.clone(),
                    formerly: own.formerly.clone(),
                },
                oidc: own.oidc.clone(),
                app: own.app.clone(),
                tokens: own.tokens.clone(),
                ..alone.clone()
            }
        });
        std::iter::once(alone).chain(others)
    }

    /// What `judge` finds in each tenant, under the tenant's own keys. What a tenant has inherited is said once, where it
    /// stands.
    pub fn judge_each(&self, judge: impl Fn(&Self) -> Vec<Fault>) -> Vec<Fault> {
        let mut tenancies = self.tenancies();
        let mut found = tenancies.next().map(|default| judge(&default)).unwrap_or_default();
        let of_default = found.clone();
        for tenancy in tenancies {
            let own =
                judge(&tenancy).into_iter().filter(|fault| !of_default.contains(fault) && is_inherited(&fault.path));
            let under = format!("tenants.{}", tenancy.tenant.name);
            found.extend(own.map(|fault| Fault { path: join(&under, &fault.path), ..fault }));
        }
        found
    }
}

fn is_inherited(path: &str) -> bool {
    INHERITED.iter().any(|name| path.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with('.')))
}
