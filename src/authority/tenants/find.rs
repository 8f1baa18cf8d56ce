//! Owns the finding: for which tenant is a call? Does not know what is asked of it.

use super::{Asker, Found, Member, Tenancy, host};
use crate::authority::handle_frontchannel_logout::ClaimedSession;
use crate::authority::settings::LoginSet;
use crate::authority::telling::Likely;
use crate::authority::{
    Error, Presented, complete_callback, complete_logout, handle_backchannel_logout, handle_frontchannel_logout,
    start_login,
};
use crate::session::claimed_jwt::ClaimedJwt;
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
    /// Whether it has to name its tenant, where its host alone does not.
    has_to_name: bool,
}

/// The tenants that may be meant.
enum Among<'a> {
    One(Found<'a>),
    /// One of these; which of them, a state or credential may say.
    Several(Several<'a>),
}

struct Several<'a> {
    tenancy: &'a Tenancy,
    places: &'a [usize],
    asker: &'a Asker,
    /// Where nothing says which.
    otherwise: Result<&'a Member, Error>,
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

    /// For a call about a bearer token, which says by itself whose it is: a browser's request may say for whom it has to be.
    ///
    /// # Errors
    /// As [`Tenancy::for_caller`].
    pub fn for_token<'a>(&'a self, asker: &'a Asker, context: Option<&RequestContext>) -> Result<Found<'a>, Error> {
        match context {
            None => self.for_caller(asker),
            context => self.find(asker, &Hints { context, ..Hints::default() }, || None),
        }
    }

    /// Whether the tenant that a call names is one for which its caller may ask.
    ///
    /// # Errors
    /// As [`Tenancy::for_caller`], but for a call that names none.
    pub fn check_name(&self, asker: &Asker) -> Result<(), Error> {
        self.fixed(asker).map(drop)
    }

    /// For a call that brings what a browser presented. Where several tenants may be meant, a browser may hold credentials
    /// of more than one: one that lives is not hidden by one that is dead.
    ///
    /// # Errors
    /// As [`Tenancy::for_caller`]; or when the store can't say which of several lives. What the browser's request names is
    /// no error: see [`Found::is_known`].
    pub async fn for_presented<'a>(&'a self, asker: &'a Asker, presented: &Presented) -> Result<Found<'a>, Error> {
        match self.claimed(asker, presented)? {
            Among::One(found) => Ok(found),
            // Boxed, so that calls of which nothing of the kind is known are no larger.
            Among::Several(among) => {
                let claimant = Box::pin(first_living(among.claimants(presented), presented)).await?;
                among.or_else(claimant)
            }
        }
    }

    /// As [`Tenancy::for_presented`], where nobody has to ask the store which of several credentials is of a living session.
    ///
    /// # Errors
    /// As [`Tenancy::for_presented`].
    pub fn known_for<'a>(&'a self, asker: &'a Asker, presented: &Presented) -> Result<Option<Found<'a>>, Error> {
        Ok(match self.claimed(asker, presented)? {
            Among::One(found) => Some(found),
            Among::Several(_) => None,
        })
    }

    /// Several where more than one of them is claimed.
    fn claimed<'a>(&'a self, asker: &'a Asker, presented: &Presented) -> Result<Among<'a>, Error> {
        let hints = Hints { context: presented.context.as_deref(), ..Hints::default() };
        let among = match self.among(asker, &hints)? {
            Among::One(found) => return Ok(Among::One(found)),
            Among::Several(among) => among,
        };
        let mut claimants = among.claimants(presented);
        match (claimants.next(), claimants.next()) {
            (Some(_), Some(_)) => Ok(Among::Several(among)),
            (claimant, _) => among.or_else(claimant).map(Among::One),
        }
    }

    /// For the start of a login.
    ///
    /// # Errors
    /// As [`Tenancy::for_presented`].
    pub fn for_login<'a>(&'a self, asker: &'a Asker, question: &start_login::Question) -> Result<Found<'a>, Error> {
        let hints = Hints {
            context: question.presented.context.as_deref(),
            parameter: self.named_in(&question.query),
            has_to_name: question.set == LoginSet::Api,
            ..Hints::default()
        };
        self.find(asker, &hints, || None)
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
        // It is read once, and only where several may be meant: this comes before anything is verified.
        let claimed = || {
            let token = handle_backchannel_logout::logout_token(&question.form, self.limits().body_bytes).ok()??;
            ClaimedJwt::read(token.expose())
        };
        self.find_taker(asker, &hints, claimed, |member, claimed| member.authority.may_take_logout(claimed))
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
        let query = self.read_if_several(&question.query);
        let parameter = query.as_ref().and_then(|query| query.get("tenant")).map(str::to_owned);
        let hints = Hints { context: Some(&question.context), parameter, ..Hints::default() };
        let claimed = || ClaimedSession::read(query.as_ref()?);
        self.find_taker(asker, &hints, claimed, |member, claimed| {
            member.authority.may_take_frontchannel_logout(claimed)
        })
    }

    /// What the parameter `tenant` of a query says, where there is more than one.
    fn named_in(&self, query: &[u8]) -> Option<String> {
        self.read_if_several(query)?.get("tenant").map(str::to_owned)
    }

    fn read_if_several(&self, query: &[u8]) -> Option<Parameters> {
        if self.members.len() == 1 {
            return None;
        }
        Parameters::form(query, self.limits().query_bytes).ok()
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
        let parameters = || question.response.parameters(&self.limits());
        let hints = Hints { context: question.presented.context.as_deref(), ..Hints::default() };
        self.find(asker, &hints, || LoginState::claimed_tenant(parameters().ok()?.get("state")?))
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
        let hints = Hints { context: question.presented.context.as_deref(), ..Hints::default() };
        self.find(asker, &hints, || LogoutState::claimed_tenant(parameters().ok()?.get("state")?))
    }

    /// `claimed` is the number in a state: what it goes by is not verified, that is the tenant's.
    fn find<'a>(
        &'a self,
        asker: &'a Asker,
        hints: &Hints<'_>,
        claimed: impl FnOnce() -> Option<TenantNumber>,
    ) -> Result<Found<'a>, Error> {
        match self.among(asker, hints)? {
            Among::One(found) => Ok(found),
            Among::Several(among) => {
                let number = claimed();
                let claimant = among.members().find(|member| Some(member.number()) == number);
                among.or_else(claimant)
            }
        }
    }

    /// Of several the likeliest that may take it, and of these the first, by what it says of itself. That is not verified either.
    fn find_taker<'a, T>(
        &'a self,
        asker: &'a Asker,
        hints: &Hints<'_>,
        claimed: impl FnOnce() -> Option<T>,
        may_take: impl Fn(&Member, &T) -> Option<Likely>,
    ) -> Result<Found<'a>, Error> {
        match self.among(asker, hints)? {
            Among::One(found) => Ok(found),
            Among::Several(among) => {
                let claimed = claimed();
                let taker = claimed.and_then(|claimed| {
                    let likely = among.members().filter_map(|member| Some((may_take(member, &claimed)?, member)));
                    likely.min_by_key(|(likely, _)| *likely)
                });
                among.or_else(taker.map(|(_, member)| member))
            }
        }
    }

    fn among<'a>(&'a self, asker: &'a Asker, hints: &Hints<'_>) -> Result<Among<'a>, Error> {
        let fixed = self.fixed(asker)?;
        let one = |member| Ok(Among::One(self.found(member, fixed.is_some(), asker)));
        let nobody = || one(&self.nobody);
        if self.members.len() == 1 {
            // Nothing that a browser sends can name another.
            return one(fixed.map_or_else(|| self.default_for(asker), Ok)?);
        }
        let host = hints.context.and_then(|context| context.host.as_deref());
        let here = self.at_host(host);
        let header = hints.context.and_then(|context| context.x_tenant_id.as_deref());
        let mut named = fixed;
        for name in [header, hints.parameter.as_ref().map(String::as_bytes)].into_iter().flatten() {
            // By an address that is nobody's a browser names nobody: else it could try who there is.
            let is_heard = fixed.is_some() || host.is_none() || !here.is_empty();
            match self.by_name.get(name).and_then(|at| self.admitted(asker, *at)).filter(|_| is_heard) {
                Some(member) if named.is_none_or(|other| std::ptr::eq(other, member)) => named = Some(member),
                _ => return nobody(),
            }
        }
        let members = || self.members_at(here, asker);
        if let Some(member) = named {
            let fits = here.is_empty() || members().any(|other| std::ptr::eq(other, member));
            return if fits { one(member) } else { nobody() };
        }
        let default = || if hints.has_to_name { Ok(&self.nobody) } else { self.default_for(asker) };
        match (host, members().next(), members().nth(1)) {
            (None, ..) => Ok(self.several(&self.every, asker, default())),
            // A browser came by an address that is nobody's, which is no fault of whoever brings its request.
            (Some(_), None, _) if hints.by_itself && here.is_empty() => {
                let otherwise = self.default_for(asker).unwrap_or(&self.nobody);
                Ok(self.several(&self.every, asker, Ok(otherwise)))
            }
            (Some(_), None, _) if here.is_empty() => one(default().unwrap_or(&self.nobody)),
            (Some(_), None, _) => nobody(),
            (Some(_), Some(only), None) => one(only),
            (Some(_), Some(first), Some(_)) => {
                let is_meant = self.is_default(first) && !hints.has_to_name;
                let default = if is_meant { first } else { &self.nobody };
                Ok(self.several(here, asker, Ok(default)))
            }
        }
    }

    fn several<'a>(&'a self, places: &'a [usize], asker: &'a Asker, otherwise: Result<&'a Member, Error>) -> Among<'a> {
        Among::Several(Several { tenancy: self, places, asker, otherwise })
    }

    /// The tenant that the call or its key names, whatever the request.
    pub(super) fn fixed(&self, asker: &Asker) -> Result<Option<&Member>, Error> {
        if let Some(name) = &asker.named {
            let at = self.by_name.get(name).or_else(|| self.by_number.get(name));
            return at.and_then(|at| self.admitted(asker, *at)).map(Some).ok_or(Error::TenantUnknown);
        }
        match asker.scope.only() {
            Some(number) => self.numbered(number).map(Some).ok_or(Error::TenantUnknown),
            None => Ok(None),
        }
    }

    fn admitted(&self, asker: &Asker, at: usize) -> Option<&Member> {
        self.members.get(at).filter(|member| asker.scope.admits(member.number()))
    }

    /// Those of these places for which the caller may ask.
    pub(super) fn members_at<'a>(&'a self, places: &'a [usize], asker: &'a Asker) -> impl Iterator<Item = &'a Member> {
        places.iter().filter_map(|at| self.admitted(asker, *at))
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

    /// The places of the tenants that are reached at this host; none where nobody is known to be.
    pub(super) fn at_host(&self, host: Option<&[u8]>) -> &[usize] {
        let Some(host) = host.map(<[u8]>::to_ascii_lowercase) else { return &[] };
        let whole = || self.by_host.get(host.as_slice());
        let places = whole().or_else(|| self.by_host.get(host::without_port(&host)?));
        places.map_or(&[], Vec::as_slice)
    }

    fn found<'a>(&'a self, member: &'a Member, fixed: bool, asker: &'a Asker) -> Found<'a> {
        Found { tenancy: self, member, fixed, scope: &asker.scope }
    }
}

impl<'a> Several<'a> {
    fn members(&self) -> impl Iterator<Item = &'a Member> + use<'a> {
        self.tenancy.members_at(self.places, self.asker)
    }

    /// Those of whom a session cookie claims to be. That is not verified.
    fn claimants<'p>(&self, presented: &'p Presented) -> impl Iterator<Item = &'a Member> + use<'a, 'p> {
        self.members().filter(|member| {
            let names = &member.authority.session_cookie_names;
            let own = presented.cookies.iter().filter(|cookie| names.contains(&cookie.name));
            own.filter_map(|cookie| Credential::claimed_tenant(&cookie.value)).any(|claim| claim == member.number())
        })
    }

    fn or_else(self, member: Option<&'a Member>) -> Result<Found<'a>, Error> {
        Ok(self.tenancy.found(member.map_or(self.otherwise, Ok)?, false, self.asker))
    }
}

/// The first whose session lives; else the first who has signed what was presented; else the first.
async fn first_living<'a>(
    claimants: impl Iterator<Item = &'a Member>,
    presented: &Presented,
) -> Result<Option<&'a Member>, Error> {
    let (mut first, mut signed) = (None, None);
    for member in claimants {
        if let Ok(chosen) = member.authority.choose(presented) {
            if member.authority.is_living(&chosen).await? {
                return Ok(Some(member));
            }
            signed = signed.or(Some(member));
        }
        first = first.or(Some(member));
    }
    Ok(signed.or(first))
}
