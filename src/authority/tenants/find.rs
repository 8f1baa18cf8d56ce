//! Owns the finding: for which tenant is a call? Does not know what is asked of it.

use super::{Asker, Found, Member, Tenancy, host};
use crate::authority::{
    Error, Presented, complete_callback, complete_logout, handle_backchannel_logout, handle_frontchannel_logout,
    start_login,
};
use crate::session::credential::Credential;
use crate::session::key::TenantNumber;
use crate::session::login::LoginState;
use crate::session::parameters::Parameters;
use crate::session::request::RequestContext;
use crate::vault::LogoutState;

/// What a browser's request says of its tenant.
#[derive(Default)]
struct Hints<'a> {
    context: Option<&'a RequestContext>,
    /// The `tenant` parameter of a login, or of a logout that a provider's page tells of.
    parameter: Option<String>,
    /// Whether it says so by itself, also where it comes to a host that is nobody's: from a server, which may know the edge
    /// by an inner address.
    by_itself: bool,
}

impl Tenancy {
    /// For a call that brings no browser's request.
    ///
    /// # Errors
    /// When it names a tenant for which its caller may not ask or that there is not, the two being told alike; or none,
    /// where the caller may not ask for the default one.
    pub fn for_caller<'a>(&'a self, asker: &'a Asker) -> Result<Found<'a>, Error> {
        Ok(match self.fixed(asker)? {
            Some(member) => self.found(member, true, asker),
            None => self.found(self.default_for(asker)?, false, asker),
        })
    }

    /// Whether the tenant that a call names is one for which its caller may ask.
    ///
    /// # Errors
    /// As [`Tenancy::for_caller`], but for a call that names none.
    pub fn check_name(&self, asker: &Asker) -> Result<(), Error> {
        self.fixed(asker).map(drop)
    }

    /// For a call that brings what a browser presented.
    ///
    /// # Errors
    /// As [`Tenancy::for_caller`]. What the browser's request names is no error: see [`Found::is_known`].
    pub fn for_presented<'a>(&'a self, asker: &'a Asker, presented: &Presented) -> Result<Found<'a>, Error> {
        self.find(asker, &Hints { context: presented.context.as_ref(), ..Hints::default() }, |these| {
            let claimed = |member: &Member| {
                let names = &member.authority.session_cookie_names;
                let own = presented.cookies.iter().filter(|cookie| names.contains(&cookie.name));
                own.filter_map(|cookie| Credential::claimed_tenant(&cookie.value)).any(|claim| claim == member.number())
            };
            these.iter().copied().find(|member| claimed(member))
        })
    }

    /// For the start of a login.
    ///
    /// # Errors
    /// As [`Tenancy::for_presented`].
    pub fn for_login<'a>(&'a self, asker: &'a Asker, question: &start_login::Question) -> Result<Found<'a>, Error> {
        let parameter = self.named_in(&question.query);
        self.find(asker, &Hints { context: question.presented.context.as_ref(), parameter, by_itself: false }, |_| None)
    }

    /// For a logout that a provider's server tells of. Of several at one host, and at a host that is nobody's, it is the one
    /// that its token is for.
    ///
    /// # Errors
    /// As [`Tenancy::for_presented`].
    pub fn for_backchannel_logout<'a>(
        &'a self,
        asker: &'a Asker,
        question: &handle_backchannel_logout::Question,
    ) -> Result<Found<'a>, Error> {
        let hints = Hints { context: Some(&question.context), by_itself: true, ..Hints::default() };
        self.find(asker, &hints, |these| {
            these.iter().copied().find(|member| member.authority.may_take_logout(&question.form))
        })
    }

    /// For a logout that a provider's page has a browser tell of. Of several at one host it is the first that has such a
    /// provider, unless the address that the provider knows names another (`tenant`).
    ///
    /// # Errors
    /// As [`Tenancy::for_presented`].
    pub fn for_frontchannel_logout<'a>(
        &'a self,
        asker: &'a Asker,
        question: &handle_frontchannel_logout::Question,
    ) -> Result<Found<'a>, Error> {
        let parameter = self.named_in(&question.query);
        self.find(asker, &Hints { context: Some(&question.context), parameter, by_itself: false }, |these| {
            these.iter().copied().find(|member| member.authority.may_take_frontchannel_logout(&question.query))
        })
    }

    /// What the parameter `tenant` of a query says, where there is more than one.
    fn named_in(&self, query: &[u8]) -> Option<String> {
        if self.members.len() == 1 {
            return None;
        }
        Parameters::form(query, self.limits().query_bytes).ok()?.get("tenant").map(str::to_owned)
    }

    /// For the end of a login, whose state says so.
    ///
    /// # Errors
    /// As [`Tenancy::for_presented`].
    pub fn for_callback<'a>(
        &'a self,
        asker: &'a Asker,
        question: &complete_callback::Question,
    ) -> Result<Found<'a>, Error> {
        use complete_callback::Response::{Form, Json, Query};
        let limits = self.limits();
        let parameters = || match &question.response {
            Query(bytes) => Parameters::form(bytes, limits.query_bytes),
            Form(bytes) => Parameters::form(bytes, limits.body_bytes),
            Json(bytes) => Parameters::json(bytes, limits.body_bytes),
        };
        let hints = Hints { context: question.presented.context.as_ref(), ..Hints::default() };
        self.find(asker, &hints, |these| numbered(these, LoginState::claimed_tenant(parameters().ok()?.get("state")?)?))
    }

    /// For the way back from a provider's logout, whose state says so.
    ///
    /// # Errors
    /// As [`Tenancy::for_presented`].
    pub fn for_logged_out<'a>(
        &'a self,
        asker: &'a Asker,
        question: &complete_logout::Question,
    ) -> Result<Found<'a>, Error> {
        let parameters = || Parameters::form(&question.query, self.limits().query_bytes);
        let hints = Hints { context: question.presented.context.as_ref(), ..Hints::default() };
        self.find(asker, &hints, |these| {
            numbered(these, LogoutState::claimed_tenant(parameters().ok()?.get("state")?)?)
        })
    }

    /// `claimed` picks among tenants that share the request's host. What it goes by is not verified: that is the tenant's.
    fn find<'a>(
        &'a self,
        asker: &'a Asker,
        hints: &Hints<'_>,
        claimed: impl FnOnce(&[&'a Member]) -> Option<&'a Member>,
    ) -> Result<Found<'a>, Error> {
        let fixed = self.fixed(asker)?;
        let found = |member| Ok(self.found(member, fixed.is_some(), asker));
        if self.members.len() == 1 {
            // Nothing that a browser sends can name another.
            return found(fixed.map_or_else(|| self.default_for(asker), Ok)?);
        }
        let header = hints.context.and_then(|context| context.x_tenant_id.as_deref());
        let mut named = fixed;
        for name in [header, hints.parameter.as_ref().map(String::as_bytes)].into_iter().flatten() {
            match self.admitted(asker, name) {
                Some(member) if named.is_none_or(|other| std::ptr::eq(other, member)) => named = Some(member),
                _ => return found(&self.nobody),
            }
        }
        let host = hints.context.and_then(|context| context.host.as_deref());
        let at_host = self.at_host(host);
        if let Some(member) = named {
            let fits = at_host.is_empty() || at_host.iter().any(|other| std::ptr::eq(*other, member));
            return found(if fits { member } else { &self.nobody });
        }
        if at_host.is_empty() && !hints.by_itself {
            return match self.default_for(asker) {
                // A browser came by an address that is nobody's, which is no fault of whoever brings its request.
                Err(_) if host.is_some() => found(&self.nobody),
                default => found(default?),
            };
        }
        let these = if at_host.is_empty() { self.members.iter().collect() } else { at_host };
        let these: Vec<_> = these.into_iter().filter(|member| asker.scope.admits(member.number())).collect();
        found(match these.as_slice() {
            [] => &self.nobody,
            [only] => only,
            several => {
                let default = several.first().copied().filter(|first| self.is_default(first));
                claimed(several).or(default).unwrap_or(&self.nobody)
            }
        })
    }

    /// The tenant that the call or its key names, whatever the request.
    pub(super) fn fixed(&self, asker: &Asker) -> Result<Option<&Member>, Error> {
        if let Some(name) = &asker.named {
            return self.admitted(asker, name).map(Some).ok_or(Error::TenantUnknown);
        }
        match asker.scope.only() {
            Some(number) => self.numbered(number).map(Some).ok_or(Error::TenantUnknown),
            None => Ok(None),
        }
    }

    fn admitted(&self, asker: &Asker, name: &[u8]) -> Option<&Member> {
        let member = self.members.get(*self.by_name.get(name)?)?;
        asker.scope.admits(member.number()).then_some(member)
    }

    fn numbered(&self, number: TenantNumber) -> Option<&Member> {
        self.members.iter().find(|member| member.number() == number)
    }

    pub(super) fn default_for(&self, asker: &Asker) -> Result<&Member, Error> {
        let default = self.members.first().filter(|member| asker.scope.admits(member.number()));
        default.ok_or(Error::TenantNotNamed)
    }

    fn is_default(&self, member: &Member) -> bool {
        self.members.first().is_some_and(|default| std::ptr::eq(default, member))
    }

    /// The tenants that are reached at this host; none where nobody is known to be.
    pub(super) fn at_host(&self, host: Option<&[u8]>) -> Vec<&Member> {
        let Some(host) = host.map(<[u8]>::to_ascii_lowercase) else { return Vec::new() };
        let whole = || self.by_host.get(host.as_slice());
        let places = whole().or_else(|| self.by_host.get(host::without_port(&host)?));
        places.into_iter().flatten().filter_map(|at| self.members.get(*at)).collect()
    }

    fn found<'a>(&'a self, member: &'a Member, fixed: bool, asker: &'a Asker) -> Found<'a> {
        Found { tenancy: self, member, fixed, scope: &asker.scope }
    }
}

fn numbered<'a>(these: &[&'a Member], number: TenantNumber) -> Option<&'a Member> {
    these.iter().copied().find(|member| member.number() == number)
}
