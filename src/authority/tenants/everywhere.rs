//! Owns what is asked of several tenants at once: an edge's settings for all its hosts, news of all whom a caller may
//! bring, a revocation of everything; and the refusal of a login for a tenant that there is not. Does not know how one is
//! found.

use futures::Stream;
use futures::future::try_join_all;

use super::{Asker, Member, Scope, Tenancy};
use crate::authority::answer::HttpAnswer;
use crate::authority::audit::outcome_of;
use crate::authority::get_edge_settings::EdgeSettings;
use crate::authority::login_answer::LoginFailure;
use crate::authority::preview_revoke::Preview;
use crate::authority::revoke_as_admin::Target;
use crate::authority::{Authority, Call, Error, Presented, start_login, start_logout, watch_sessions};
use crate::session::request::RequestContext;

impl Tenancy {
    /// The settings of the tenant that the call is for, or whose `host` this is; and, where neither says, those of every
    /// other tenant whose requests the edge may bring: it goes by the host of each request then.
    ///
    /// # Errors
    /// As [`Tenancy::for_caller`].
    pub fn edge_settings(&self, asker: &Asker, host: &[u8]) -> Result<(EdgeSettings, Vec<EdgeSettings>), Error> {
        let fixed = self.fixed(asker)?;
        let version = self.version_for(fixed, &asker.scope);
        let admitted = self.members.iter().filter(|member| asker.scope.admits(member.number()));
        if let Some(member) = fixed {
            return Ok((settings_of(member, [], version), Vec::new()));
        }
        let of = |member: &Member| settings_of(member, admitted.clone(), version.clone());
        if !host.is_empty() {
            let at_host = self.members_at(self.at_host(Some(host)), asker).next();
            return Ok((of(at_host.map_or_else(|| self.default_for(asker), Ok)?), Vec::new()));
        }
        let mut settings = admitted.clone().map(of);
        let first = settings.next().ok_or(Error::TenantUnknown)?;
        Ok((first, settings.collect()))
    }

    /// What happens to the sessions of every tenant whose requests the caller may bring: of one, where it names that.
    ///
    /// # Errors
    /// As [`Tenancy::for_caller`].
    pub fn watch_sessions(
        &self,
        asker: &Asker,
        question: watch_sessions::Question,
    ) -> Result<impl Stream<Item = watch_sessions::Told> + Send + use<>, Error> {
        let fixed = self.fixed(asker)?;
        let whose = fixed.map_or_else(|| asker.scope.clone(), |member| Scope::one(member.number()));
        let member = fixed.or_else(|| self.members.first());
        let authority = &member.unwrap_or(&self.nobody).authority;
        Ok(authority.watch_sessions_of(whose, question))
    }

    /// How many sessions of all tenants there are at most.
    ///
    /// # Errors
    /// When the caller may not ask for every tenant, or the store can't say.
    pub async fn preview_everything(&self, asker: &Asker) -> Result<Preview, Error> {
        asker.may_end_everything()?;
        let previews = self.authorities().map(|authority| authority.preview_revoke(&Target::Everything));
        let count = try_join_all(previews).await?.into_iter().map(|preview| preview.count).sum();
        Ok(Preview { count, exact: false })
    }

    /// Writes down at every other tenant what `at` has carried out, if it has: an admin ended everything.
    pub fn note_end_of_everything(&self, at: &Authority, call: &Call, reason: &str, done: &Result<u64, Error>) {
        let Some(outcome) = outcome_of(done) else { return };
        let others = self.authorities().filter(|other| other.settings.tenant != at.settings.tenant);
        others.for_each(|other| other.note_end_of_everything(call, reason, outcome));
    }

    /// Begins no login: the request names no tenant, or one that there is not, or two.
    #[must_use]
    pub fn refuse_login(call: &Call, presented: &Presented) -> start_login::Outcome {
        let failure = LoginFailure::TenantUnknown;
        tracing::info!(
            reason = failure.trouble().reason,
            caller = call.caller(),
            request_id = call.request_id,
            "no login began"
        );
        start_login::Outcome { answer: tenant_unknown(call, presented), failure: Some(failure) }
    }

    /// Ends nothing, and leaves every cookie: nobody can say whose they are.
    #[must_use]
    pub fn refuse_logout(call: &Call, presented: &Presented) -> start_logout::Outcome {
        start_logout::Outcome { answer: tenant_unknown(call, presented), ended: 0 }
    }
}

fn tenant_unknown(call: &Call, presented: &Presented) -> HttpAnswer {
    let page = presented.context.as_deref().is_some_and(RequestContext::is_navigation);
    HttpAnswer::trouble(&LoginFailure::TenantUnknown.trouble(), page, &[], &call.request_id)
}

/// A tenant's settings. Where others share a host with it, a browser may bring their cookies there.
fn settings_of<'a>(member: &Member, others: impl IntoIterator<Item = &'a Member>, version: String) -> EdgeSettings {
    let mut settings = member.authority.get_edge_settings();
    for other in others.into_iter().filter(|other| other.hosts.iter().any(|host| member.hosts.contains(host))) {
        let other = other.authority.get_edge_settings();
        let add = |names: &mut Vec<String>, more: Vec<String>| {
            let new: Vec<_> = more.into_iter().filter(|name| !names.contains(name)).collect();
            names.extend(new);
        };
        add(&mut settings.session_cookie_names, other.session_cookie_names);
        add(&mut settings.binding_cookie_names, other.binding_cookie_names);
    }
    EdgeSettings { version, hosts: member.hosts.clone(), ..settings }
}
