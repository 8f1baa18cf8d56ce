//! Owns the tenants of a process: an authority for each, and which of them a call is for. Does not know what is asked of
//! one.
//!
//! A caller's key for one tenant decides, else the call's own word (`x-tenant-id`), else what the browser's request names:
//! its `X-Tenant-Id`, the `tenant` parameter of a login, its host; where several share a host, or none came, the number that
//! its state or credential carries. Whatever names one names the same, or the value is of no tenant: [`Tenancy`] then answers by one
//! that knows no session, login or provider, in the time that it takes to find a forged credential out.

mod everywhere;
mod find;
pub mod host;
mod recognise;
mod scope;

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::ArcSwap;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::ports::Providers;
use super::provider::IdentityProvider;
use super::settings::{Limits, RouteSet, Settings};
use super::telling::Telling;
use super::{Authority, Error, Ports};
use crate::crypto::{KeyRing, Secret, digest};
use crate::session::client::TrustedProxies;
use crate::session::event::Position;
use crate::session::key::TenantNumber;
use crate::session::mark::EVERY_TENANT;
use crate::vault::Vault;
pub use scope::{Asker, Scope};

/// The tenants in force. Each call asks for them once, so that all of them can be replaced at once.
#[derive(Clone)]
pub struct Tenants(Arc<ArcSwap<Tenancy>>);

impl Tenants {
    /// These, until others take their place.
    #[must_use]
    pub fn new(tenancy: Tenancy) -> Self {
        tenancy.authorities().for_each(Authority::take_effect);
        Self(Arc::new(ArcSwap::from_pointee(tenancy)))
    }

    /// Those in force now.
    #[must_use]
    pub fn now(&self) -> Arc<Tenancy> {
        self.0.load_full()
    }

    /// Puts others in their place: for every call that begins from now on, and for all that is written down from now on.
    pub fn replace(&self, tenancy: Tenancy) {
        tenancy.authorities().for_each(Authority::take_effect);
        self.0.store(Arc::new(tenancy));
    }
}

impl From<Authority> for Tenants {
    /// One tenant alone.
    fn from(authority: Authority) -> Self {
        Self::new(Tenancy::new(authority, [], []))
    }
}

/// All tenants, the default one first.
pub struct Tenancy {
    members: Vec<Member>,
    by_name: HashMap<Box<[u8]>, usize>,
    /// Callers name tenants by number too; browsers do not.
    by_number: HashMap<Box<[u8]>, usize>,
    by_host: HashMap<Box<[u8]>, Vec<usize>>,
    /// The place of each.
    every: Vec<usize>,
    nobody: Member,
    /// Names the edge settings of all.
    version: String,
    /// Names those of the tenants of callers who are for some.
    versions: Mutex<Vec<(Scope, String)>>,
}

struct Member {
    authority: Authority,
    /// The same, for questions of which many come at the same moment.
    for_many: Authority,
    hosts: Vec<String>,
}

impl Member {
    fn new(authority: Authority, hosts: Vec<String>) -> Self {
        Self { for_many: authority.for_many(), authority, hosts }
    }

    fn number(&self) -> TenantNumber {
        self.authority.settings.tenant
    }
}

/// A tenant beside the default one.
pub struct Tenant {
    /// Its authority.
    pub authority: Authority,
    /// The hosts at which it is reached. None: that of its public base URL.
    pub hosts: Vec<String>,
}

impl Tenancy {
    /// The default tenant, the hosts at which it is reached (none: that of its public base URL), and the others. Their
    /// numbers and names are their own: of two that share one, the earlier has it.
    #[must_use]
    pub fn new(
        default: Authority,
        hosts: impl IntoIterator<Item = String>,
        others: impl IntoIterator<Item = Tenant>,
    ) -> Self {
        let default = Tenant { authority: default, hosts: hosts.into_iter().collect() };
        let nobody = Member::new(nobody(&default.authority), Vec::new());
        let all = std::iter::once(default).chain(others);
        let members: Vec<_> = all.map(|Tenant { authority, hosts }| member(authority, hosts)).collect();
        let (mut by_name, mut by_number) = (HashMap::<Box<[u8]>, usize>::new(), HashMap::new());
        let mut by_host = HashMap::<_, Vec<_>>::new();
        for (at, member) in members.iter().enumerate() {
            by_name.entry(member.authority.tenant_name().as_bytes().into()).or_insert(at);
            by_number.entry(member.number().0.to_string().into_bytes().into()).or_insert(at);
            for host in &member.hosts {
                by_host.entry(host.as_bytes().into()).or_default().push(at);
            }
        }
        let (version, every) = (version_of(members.iter()), (0..members.len()).collect());
        Self { members, by_name, by_number, by_host, every, nobody, version, versions: Mutex::default() }
    }

    /// Every tenant's authority, the default one's first.
    pub fn authorities(&self) -> impl Iterator<Item = &Authority> {
        self.members.iter().map(|member| &member.authority)
    }

    /// Whether the store answers, which all share.
    ///
    /// # Errors
    /// When it does not.
    pub async fn check_store(&self) -> Result<(), Error> {
        self.nobody.authority.check_store().await
    }

    /// How much of what a browser sent is read.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.nobody.authority.limits()
    }
}

fn member(authority: Authority, hosts: Vec<String>) -> Member {
    let hosts = if hosts.is_empty() { vec![host::of(&authority.settings.public_base_url)] } else { hosts };
    Member::new(authority, hosts)
}

/// The tenant that a call is for.
#[derive(Clone, Copy)]
pub struct Found<'a> {
    tenancy: &'a Tenancy,
    member: &'a Member,
    /// Whether the call or its key names it, whatever the request.
    fixed: bool,
    scope: &'a Scope,
}

impl Found<'_> {
    /// Its authority, for questions of which many come at the same moment.
    #[must_use]
    pub const fn for_many(&self) -> &Authority {
        &self.member.for_many
    }

    /// Its authority, for work that outlasts the call.
    #[must_use]
    pub fn clone_authority(&self) -> Authority {
        self.member.authority.clone()
    }

    /// Whether there is one tenant alone.
    #[must_use]
    pub fn is_alone(&self) -> bool {
        self.tenancy.members.len() == 1
    }

    /// Whether there is such a tenant. For one that there is not, a call is answered as for a forged credential; a login
    /// or logout is refused.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.member.number() != EVERY_TENANT
    }

    /// The position that a caller asks as of, unless all was heard here up to there, as far as the caller may know. Whoever
    /// is told of several tenants asks one as of what happened to another.
    #[must_use]
    pub fn unheard(&self, as_of: Option<Position>) -> Option<Position> {
        as_of.filter(|position| !self.member.authority.stream.has_heard_for(self.scope, *position))
    }

    /// The version of the edge settings in force, of all tenants whose requests the caller may bring: so none learns of
    /// another that its settings have changed.
    #[must_use]
    pub fn settings_version(&self) -> String {
        self.tenancy.version_for(self.fixed.then_some(self.member), self.scope)
    }
}

impl Deref for Found<'_> {
    type Target = Authority;

    fn deref(&self) -> &Authority {
        &self.member.authority
    }
}

impl Tenancy {
    fn version_for(&self, fixed: Option<&Member>, scope: &Scope) -> String {
        match (fixed, scope) {
            (Some(member), _) => member.authority.settings_version().to_owned(),
            (None, Scope::Every) => self.version.clone(),
            (None, scope) => self.version_of_scope(scope),
        }
    }

    /// Each scope is some caller's: there are few, and each is hashed once.
    fn version_of_scope(&self, scope: &Scope) -> String {
        let mut versions = self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, version)) = versions.iter().find(|(known, _)| known == scope) {
            return version.clone();
        }
        let version = version_of(self.members.iter().filter(|member| scope.admits(member.number())));
        versions.push((scope.clone(), version.clone()));
        version
    }
}

/// Of one tenant alone its own version; of several a hash of theirs and of their hosts.
fn version_of<'a>(members: impl Iterator<Item = &'a Member>) -> String {
    let members: Vec<_> = members.collect();
    if let [only] = members.as_slice() {
        return only.authority.settings_version().to_owned();
    }
    let words = members.iter().flat_map(|member| {
        [member.authority.settings_version()].into_iter().chain(member.hosts.iter().map(String::as_str))
    });
    let parts: Vec<_> = words.map(str::as_bytes).collect();
    let hash = digest("gatelodge edge settings of several tenants", &parts);
    URL_SAFE_NO_PAD.encode(&hash[..9])
}

/// Like the default tenant, so that it takes the same time; but for a number that no state and no credential carries, keys
/// that have signed nothing, no provider, and nobody whom it trusts.
fn nobody(default: &Authority) -> Authority {
    let mut settings = Settings { tenant: EVERY_TENANT, ..Settings::clone(&default.settings) };
    // Whoever names nobody is told so, and not that a route set is off.
    settings.route_sets = vec![RouteSet::Web, RouteSet::Api, RouteSet::Spa];
    settings.csrf.allowed_origins.clear();
    settings.places.allowed.clear();
    settings.places.with_user.clear();
    settings.trusted_proxies = TrustedProxies::default();
    settings.keep_answers_for = None;
    let ring = || KeyRing::new(Secret::new(URL_SAFE_NO_PAD.encode(default.random::<32>())), []);
    let vault = Arc::new(Vault::of(EVERY_TENANT, &ring(), &ring()));
    let ports = Ports { providers: Arc::new(NoProviders), ..default.ports.clone() };
    let stream = default.stream.for_nobody();
    Authority { ports, vault, settings: Arc::new(settings), stream, telling: Telling::default(), ..default.clone() }
}

struct NoProviders;

impl Providers for NoProviders {
    fn all(&self) -> Vec<Arc<dyn IdentityProvider>> {
        Vec::new()
    }
}
