//! Owns the way from presented cookies to a living session: no IO for what is forged, one read for what is not.
//! Does not know what the session is wanted for.

use std::sync::Arc;

use super::answer::{HttpAnswer, Trouble};
use super::came_back::{has_failed_to_log_in, without_failure};
use super::near::Reading;
use super::open_standing::OpenStanding;
use super::ports::Lookup;
use super::rotate::Theft;
use super::{Authority, Call, Error, Presented};
use crate::crypto::Unsealable;
use crate::session::admission::{Chosen, InactiveReason, choose, rivals, signed};
use crate::session::audit::Outcome as Audited;
use crate::session::cookie;
use crate::session::credential::Credential;
use crate::session::event::Position;
use crate::session::fingerprint::{Comparison, FingerprintMode, Likeness};
use crate::session::key::{SessionKey, UserKey};
use crate::session::record::Record;
use crate::session::request::{PresentedCookie, RequestContext};
use crate::session::rotation::{self, InForce, Standpoint};
use crate::session::time::{Liveness, Times, Timestamp};
use crate::vault::VaultError;

/// A living session that was presented with a credential that is good.
#[derive(Clone, Debug)]
pub(super) struct Admitted {
    pub(super) credential: Credential,
    pub(super) under_former_name: bool,
    pub(super) record: Record,
    pub(super) standing: Arc<OpenStanding>,
    pub(super) times: Times,
    /// The moment at which it was judged: as of then is all that is said of it.
    pub(super) judged_at: Timestamp,
    pub(super) touch_due: bool,
    pub(super) fingerprint: Likeness,
    pub(super) standpoint: Standpoint,
    /// The reading that gave the record; `None` when nothing rests on how old it is.
    pub(super) reading: Option<Reading>,
}

/// What a record says of the credential that was presented.
pub(super) enum Judgement {
    Living(Box<Admitted>),
    /// It is one of before: somebody else holds a credential of this session; or, where that was stepped up since, perhaps its
    /// own browser, to which an answer of before came late.
    Stolen {
        stepped_up: bool,
        user: UserKey,
    },
    /// It is presented by another client than at login, which the configuration refuses.
    OtherClient(UserKey),
    Inactive(InactiveReason),
}

/// What became of presented cookies.
pub(super) enum Admission {
    Living(Box<Admitted>),
    Inactive(InactiveReason),
}

/// A session as answers show it: no credential, no token.
#[derive(Clone, Debug)]
pub struct SessionView {
    /// The session.
    pub key: SessionKey,
    /// What it is.
    pub standing: Arc<OpenStanding>,
    /// Its times.
    pub times: Times,
    /// When it ends if it is not used again.
    pub idle_end: Timestamp,
    /// The generation of its credential.
    pub generation: u32,
}

impl Authority {
    /// Finds the living session behind presented cookies.
    ///
    /// **Invariant:** a forged credential dies before any IO; a signed one costs one store read.
    pub(super) async fn admit(&self, call: &Call, presented: &Presented) -> Result<Admission, Error> {
        match self.choose(presented) {
            Ok(chosen) => self.admit_chosen(call, &chosen, presented.context.as_deref(), None).await,
            Err(InactiveReason::Ambiguous) => self.admit_only_living(call, presented, None).await,
            Err(reason) => {
                if reason == InactiveReason::Forged {
                    self.note_unsigned(presented, call)?;
                }
                Ok(Admission::Inactive(reason))
            }
        }
    }

    /// Notes that nothing came which this ring has signed.
    ///
    /// # Errors
    /// As [`Authority::note_forgery`]; [`Error::KeyUnavailable`] where that can't be said, since what came names a key that
    /// belongs to the ring and is not at hand: that is no logout (store.md, 2).
    pub(super) fn note_unsigned(&self, presented: &Presented, call: &Call) -> Result<(), Error> {
        self.note_forgery(presented.context.as_deref(), call)?;
        let missing = |cookie: &PresentedCookie| Credential::missing_key(&cookie.value, &self.vault.credential);
        match self.session_cookies(presented).find_map(missing) {
            Some(id) => Err(VaultError::from(Unsealable::UnknownKey { id, what: "a credential" }).into()),
            None => Ok(()),
        }
    }

    /// Reads the session of a credential, for somebody who has heard of events `as_of` this position.
    pub(super) async fn admit_chosen(
        &self,
        call: &Call,
        chosen: &Chosen,
        context: Option<&RequestContext>,
        as_of: Option<Position>,
    ) -> Result<Admission, Error> {
        let (key, reading) = (&chosen.credential.key, self.begin_reading());
        match self.look_up_as_of(key, as_of).await? {
            Lookup::Found(record) => {
                let mut admission = self.settle(call, chosen, record, context).await?;
                if let Admission::Living(admitted) = &mut admission {
                    self.remember(admitted, reading);
                }
                Ok(admission)
            }
            Lookup::Gone(ending) => {
                self.near.forget(key);
                let reason = ending.map_or(InactiveReason::Ended, |_| InactiveReason::Revoked);
                Ok(Admission::Inactive(reason))
            }
        }
    }

    /// Says that a session was presented by another client than at login, and refused.
    pub(super) fn refuse_other_client(
        &self,
        call: &Call,
        key: &SessionKey,
        user: UserKey,
        context: Option<&RequestContext>,
    ) -> Admission {
        tracing::info!(
            session = key.public(),
            tenant = self.settings.tenant_name,
            caller = call.caller(),
            request_id = call.request_id,
            "refused: the client is another one than at login"
        );
        self.audit_other_client(key, user, call, context, Audited::Failed);
        Admission::Inactive(InactiveReason::Fingerprint)
    }

    /// The one living session of several whose credentials came: a cookie of one that has ended, which a browser keeps
    /// beside the present one for another path or domain, is no rival. It costs a read for each.
    pub(super) async fn admit_only_living(
        &self,
        call: &Call,
        presented: &Presented,
        as_of: Option<Position>,
    ) -> Result<Admission, Error> {
        let mut living = Vec::new();
        for rival in self.rivals(presented) {
            if self.is_living(&rival).await? {
                living.push(rival);
            }
        }
        match &living[..] {
            [only] => self.admit_chosen(call, only, presented.context.as_deref(), as_of).await,
            [] => Ok(Admission::Inactive(InactiveReason::Ended)),
            several => {
                tracing::info!(
                    sessions = several.len(),
                    tenant = self.settings.tenant_name,
                    caller = call.caller(),
                    request_id = call.request_id,
                    "refused: credentials of several living sessions came"
                );
                Ok(Admission::Inactive(InactiveReason::Ambiguous))
            }
        }
    }

    /// Picks the credential among the cookies, without IO.
    pub(super) fn choose(&self, presented: &Presented) -> Result<Chosen, InactiveReason> {
        let cookies = self.session_cookies(presented);
        choose(&cookies, self.settings.tenant, self.present_cookie_name(), &self.vault.credential)
    }

    fn rivals(&self, presented: &Presented) -> Vec<Chosen> {
        let cookies = self.session_cookies(presented);
        rivals(&cookies, self.settings.tenant, self.present_cookie_name(), &self.vault.credential)
    }

    /// The cookies that may hold a credential of a session, as many as are looked at.
    pub(super) fn session_cookies<'a>(
        &'a self,
        presented: &'a Presented,
    ) -> impl Iterator<Item = &'a PresentedCookie> + Clone {
        let named = presented.cookies.iter().filter(|cookie| self.session_cookie_names.contains(&cookie.name));
        named.take(self.settings.limits.cookies)
    }

    fn present_cookie_name(&self) -> &str {
        self.session_cookie_names.first().map_or("", String::as_str)
    }

    /// Whether the session of a credential lives, whatever the client and the request. Changes nothing.
    pub(super) async fn is_living(&self, chosen: &Chosen) -> Result<bool, Error> {
        let key = &chosen.credential.key;
        let record = match self.known_record(key) {
            Some(record) => record,
            None => match self.look_up(key).await? {
                Lookup::Found(record) => record,
                Lookup::Gone(_) => return Ok(false),
            },
        };
        Ok(matches!(self.judge(chosen, record, None)?, Judgement::Living(_)))
    }

    /// Every living session that the cookies hold a credential of, whatever the client: to be ended. A browser that
    /// presents two sessions, or has changed since its login, may still end what it holds.
    pub(super) async fn admit_to_end(&self, call: &Call, presented: &Presented) -> Result<Vec<Admitted>, Error> {
        let mut living: Vec<Admitted> = Vec::new();
        for credential in signed(self.session_cookies(presented), self.settings.tenant, &self.vault.credential) {
            if living.iter().any(|other| other.credential.key == credential.key) {
                continue;
            }
            let Lookup::Found(record) = self.look_up(&credential.key).await? else { continue };
            let chosen = Chosen { credential, under_former_name: false };
            match self.judge(&chosen, record, None)? {
                Judgement::Living(admitted) => living.push(*admitted),
                Judgement::Stolen { stepped_up, user } => {
                    let theft = Theft { credential: &chosen.credential, stepped_up, user };
                    self.end_stolen(call, theft, presented.context.as_deref()).await?;
                }
                Judgement::OtherClient(_) | Judgement::Inactive(_) => (),
            }
        }
        Ok(living)
    }

    /// Judges a record by itself, without IO.
    pub(super) fn judge(
        &self,
        chosen: &Chosen,
        record: Record,
        context: Option<&RequestContext>,
    ) -> Result<Judgement, Error> {
        let standing = self.near.standing(&self.vault, &chosen.credential.key, &record)?;
        self.judge_opened(chosen, record, standing, context)
    }

    /// As [`Authority::judge`], of a record whose standing is open.
    pub(super) fn judge_opened(
        &self,
        chosen: &Chosen,
        record: Record,
        standing: Arc<OpenStanding>,
        context: Option<&RequestContext>,
    ) -> Result<Judgement, Error> {
        let inactive = |reason| Ok(Judgement::Inactive(reason));
        let credential = &chosen.credential;
        let (now, limits) = (self.ports.clock.now(), self.settings.lifetimes_of(&standing));
        let times = standing.times(&record.header, limits);
        let touch_due = match times.judge(now, limits) {
            Liveness::Living { touch_due } => touch_due || record.header.last_active.is_none(),
            Liveness::Expired => return inactive(InactiveReason::Expired),
            Liveness::Idle => return inactive(InactiveReason::Idle),
        };
        let (in_force, policy) = (InForce::from(&**standing), &self.settings.rotation);
        let hash = credential.secret_hash();
        let standpoint = rotation::standpoint(&record.header, credential.generation, &hash, in_force, now, policy);
        match standpoint {
            Standpoint::Stolen => {
                let user = self.user_of(&standing.identity);
                return Ok(Judgement::Stolen { stepped_up: standing.stepped_up, user });
            }
            // It was under way when the session was stepped up: this request alone is refused.
            Standpoint::Superseded => return inactive(InactiveReason::Revoked),
            _ => (),
        }
        let (policy, proxies) = (self.settings.fingerprint, &self.settings.trusted_proxies);
        let fingerprint = standing.compare(context, policy, proxies, &self.vault.fingerprint);
        if policy.mode == FingerprintMode::Strict {
            match fingerprint.comparison {
                Comparison::Differed => return Ok(Judgement::OtherClient(self.user_of(&standing.identity))),
                // Trouble is never a logout (store.md, 2), and lets nobody in.
                Comparison::Unknown(id) => {
                    return Err(VaultError::from(Unsealable::UnknownKey { id, what: "a fingerprint" }).into());
                }
                Comparison::Matched | Comparison::None => (),
            }
        }
        let (credential, under_former_name) = (credential.clone(), chosen.under_former_name);
        Ok(Judgement::Living(Box::new(Admitted {
            credential,
            under_former_name,
            record,
            standing,
            times,
            judged_at: now,
            touch_due,
            fingerprint,
            standpoint,
            reading: None,
        })))
    }

    /// The session as answers show it.
    pub(super) fn view(
        &self,
        key: SessionKey,
        standing: impl Into<Arc<OpenStanding>>,
        times: Times,
        generation: u32,
    ) -> SessionView {
        let standing = standing.into();
        let idle_end = times.idle_end(self.settings.lifetimes_of(&standing));
        SessionView { key, standing, times, idle_end, generation }
    }

    /// The Set-Cookie value of a session credential, good until the session's absolute end.
    pub(super) fn session_cookie(&self, credential: &crate::crypto::Secret, times: &Times) -> String {
        let name = self.settings.cookie_name(&self.settings.cookies.session);
        let max_age = times.absolute_end.since(self.ports.clock.now());
        cookie::set(&name, credential, max_age, self.settings.is_secure())
    }

    /// What to answer a request that needs a session and has none: a navigating browser goes to the login and comes
    /// back to where it was going, once; everybody else gets 401.
    pub(super) fn sign_in_answer(&self, reason: InactiveReason, context: &RequestContext, call: &Call) -> HttpAnswer {
        let is_page = context.is_navigation() && context.is_safe();
        // No login makes one session of two: it would lead in circles.
        let is_mended_by_login = reason != InactiveReason::Ambiguous;
        if is_page && is_mended_by_login && !has_failed_to_log_in(context) {
            return HttpAnswer::redirect(302, self.login_address(context, ""));
        }
        let (detail, remedy) = match reason.public() {
            "session_ended" => ("Session expired", "The session has ended. Log in again."),
            "several_sessions" => {
                ("Several sessions at once", "Delete the cookies of this site in the browser, then log in.")
            }
            _ => ("Not signed in", "Log in first."),
        };
        let (detail, remedy) = (detail.to_owned(), remedy.to_owned());
        let trouble = Trouble { status: 401, reason: reason.public(), detail, remedy };
        let again = (self.login_address(&without_failure(context), ""), "Log in".to_owned());
        HttpAnswer::trouble(&trouble, is_page, &[again], &call.request_id)
    }

    /// The login route, with a query that leads back to where the request was going, and further parameters.
    pub(super) fn login_address(&self, context: &RequestContext, parameters: &str) -> String {
        let mut query = form_urlencoded(parameters);
        if let Some(place) = self.settings.places.allow(&context.target).filter(|place| place.starts_with('/')) {
            query.append_pair("redirect_uri", &place);
        }
        let query = query.finish();
        let question_mark = if query.is_empty() { "" } else { "?" };
        format!("{}/auth/web/login{question_mark}{query}", self.settings.mount_prefix)
    }
}

fn form_urlencoded(start: &str) -> url::form_urlencoded::Serializer<'static, String> {
    url::form_urlencoded::Serializer::for_suffix(start.to_owned(), 0)
}
