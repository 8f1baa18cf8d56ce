//! Owns the step from a verified login to a session: its first record, the place noted for it, the ones it replaces.
//! Does not know how the login was verified.

use super::choose_sessions::Choice;
use super::complete_callback::{Callback, Taken};
use super::login_answer::LoginFailure;
use super::ports::{Creation, Made, NewSession};
use super::provider::Grant;
use super::settings::{LoginSet, OnExceed};
use super::stream::Untold;
use super::{Authority, Error, Presented, SessionView};
use crate::session::credential::Credential;
use crate::session::event::What;
use crate::session::fingerprint::{self, FingerprintMode};
use crate::session::key::{SessionKey, UserKey};
use crate::session::login::{KeptAnswer, KeptLogin, PendingLogin};
use crate::session::record::{Ending, Header, Record, RefreshToken, Standing, Tokens};
use crate::session::request::RequestContext;
use crate::session::time::Times;
use crate::session::user::Profile;
use crate::vault::TokenKey;

/// Why a taken login made no session: what the browser is told, or that nobody can say.
pub(super) enum Stop {
    Failed(LoginFailure),
    /// An answer was kept by then, which will not be repeated.
    TooLate(LoginFailure),
    Trouble(Error),
}

impl<E: Into<Error>> From<E> for Stop {
    fn from(error: E) -> Self {
        Self::Trouble(error.into())
    }
}

/// A login whose user is known: what its session will be, and its tokens.
pub(super) struct Known {
    pub(super) standing: Standing,
    pub(super) tokens: Tokens,
}

/// A session that was made.
pub(super) struct NewlyMade {
    pub(super) cookie: String,
    pub(super) view: SessionView,
    pub(super) first_login: bool,
}

/// How much of a header is kept that people are shown.
const SHOWN_CHARS: usize = 256;

impl Authority {
    /// Makes the session, in the place noted with the login, and ends the one that the browser had, those that its user
    /// chose, and those that have to make room.
    pub(super) async fn make_session(
        &self,
        callback: &Callback,
        taken: &Taken,
        known: &Known,
        choice: Option<&Choice>,
        presented: &Presented,
    ) -> Result<NewlyMade, Stop> {
        let mut untold = self.untold();
        let made = self.make_in_store(callback, taken, known, choice, presented, &mut untold).await;
        self.when_told(made, untold).await
    }

    async fn make_in_store(
        &self,
        callback: &Callback,
        taken: &Taken,
        known: &Known,
        choice: Option<&Choice>,
        presented: &Presented,
        untold: &mut Untold,
    ) -> Result<NewlyMade, Stop> {
        let identity = &known.standing.identity;
        let user = UserKey::of(self.settings.tenant, &identity.issuer, &identity.sub);
        let credential = Credential::new(self.settings.tenant, user.partition, self.random(), 1, self.random());
        let priors = if known.standing.by_token { Vec::new() } else { self.priors(&taken.login, presented) };
        let Some(place) = self.place_for_session(&priors).await? else {
            return Err(Stop::Failed(LoginFailure::TenantFull));
        };
        let (mut new, view) = self.new_session(&credential, user, known, taken);
        new.replaces = self.end_priors(priors, &user, untold).await?;
        match choice {
            Some(Choice::Sessions(chosen)) => new.replaces.extend(self.own_of(&user, chosen).await?),
            Some(Choice::Oldest) => new.makes_room = true,
            Some(Choice::Cancel) | None => (),
        }
        if let Some(sid) = &known.standing.provider_session
            && !self.join_provider_session(&identity.provider, sid, &credential.key, taken.started).await?
        {
            return Err(Stop::Failed(LoginFailure::RevokedMeanwhile));
        }
        // The store says the same, unless it has lost it.
        if self.stream.user_has_ended(&user, taken.started) {
            return Err(Stop::Failed(LoginFailure::RevokedMeanwhile));
        }
        if !self.ports.logins.note(&callback.key, &credential.key).await? {
            return Err(Stop::Failed(LoginFailure::Interrupted));
        }
        let replaced = new.replaces.clone();
        let created = self.create(new, &user, untold).await?;
        let Made { first_login, ended } = match created {
            Creation::Created(made) => {
                place.take();
                made
            }
            Creation::RevokedMeanwhile => return Err(Stop::Failed(LoginFailure::RevokedMeanwhile)),
            Creation::TooMany => return Err(Stop::Failed(LoginFailure::TooManySessions)),
            Creation::Disabled => return Err(Stop::Failed(LoginFailure::UserDisabled)),
        };
        replaced.into_iter().chain(ended).for_each(|key| untold.add(What::Revoked(key)));
        let text = credential.text(&self.vault.credential);
        let kept = KeptLogin {
            session: credential.key,
            generation: credential.generation,
            credential: text.clone(),
            code_hash: callback.code_hash(),
            return_to: taken.login.return_to.clone(),
            repeat_until: self.ports.clock.now() + self.settings.logins.keep_answer_for,
            first_login,
        };
        if !self.keep_answer(callback, taken, &KeptAnswer::Session(kept)).await? {
            // Somebody was told that this login was interrupted: then nobody may hold its session.
            self.end_in_store(&[credential.key], Ending::Interrupted, untold).await?;
            return Err(Stop::Failed(LoginFailure::Interrupted));
        }
        Ok(NewlyMade { cookie: self.session_cookie(&text, &view.times), view, first_login })
    }

    /// Makes the session. Where the store does not say whether it did, nobody goes on from memory with those that it
    /// replaces, or that may have made room.
    async fn create(&self, new: NewSession, user: &UserKey, untold: &mut Untold) -> Result<Creation, Error> {
        let mut at_risk = new.replaces.clone();
        if new.makes_room {
            at_risk.extend(self.ports.sessions.sessions_of(user).await?.into_iter().map(|(key, _)| key));
        }
        for key in &at_risk {
            untold.doubt(What::Changed(*key));
        }
        let created = self.ports.sessions.create(new).await?;
        for key in at_risk {
            untold.settle(&What::Changed(key), None);
        }
        Ok(created)
    }

    /// What a verified login's session will be.
    pub(super) fn known(&self, grant: Grant, set: LoginSet, login: &PendingLogin, context: &RequestContext) -> Known {
        let now = self.ports.clock.now();
        let by_token = set == LoginSet::Spa;
        let remembered = login.remember && self.settings.remember_me.is_some();
        // They open with a session's credential alone, which nobody gets here.
        let tokens = if by_token { Tokens::default() } else { grant.tokens };
        let fingerprint = match self.settings.fingerprint.mode {
            FingerprintMode::Off => None,
            FingerprintMode::Warn | FingerprintMode::Strict => {
                Some(fingerprint::take(context, &self.vault.fingerprint))
            }
        };
        let client = self.settings.trusted_proxies.client(context);
        let mut standing = Standing {
            identity: grant.identity,
            created: now,
            absolute_end: now,
            remembered,
            by_token,
            generation_since: now,
            stepped_up: false,
            fingerprint,
            user_agent: readable(context.user_agent.as_deref().unwrap_or_default()),
            client_address: client.map(|address| address.to_string()).unwrap_or_default(),
            place: readable(context.place.as_deref().unwrap_or_default()),
            provider_session: grant.provider_session,
            access_token_end: tokens.access_end,
            refresh_token: RefreshToken::of(&tokens),
            user_info_time: None,
        };
        standing.absolute_end = now + self.settings.lifetimes_of(&standing).absolute;
        Known { standing, tokens }
    }

    fn new_session(
        &self,
        credential: &Credential,
        user: UserKey,
        known: &Known,
        taken: &Taken,
    ) -> (NewSession, SessionView) {
        let now = self.ports.clock.now();
        let limits = self.settings.lifetimes_of(&known.standing);
        // It begins now, however long its user has thought about which other to end.
        let absolute_end = now + limits.absolute;
        let standing = Standing { created: now, generation_since: now, absolute_end, ..known.standing.clone() };
        let marks = taken.login.born;
        let header = Header {
            revision: 1,
            generation: credential.generation,
            current: credential.secret_hash(),
            other: None,
            last_active: None,
            fence: 0,
            marks,
        };
        let token_key = TokenKey::new(self.random());
        // What nobody has presented yet is kept for as long as its login's answer can be had; a token needs no presenting.
        let unpresented = taken.remaining.max(self.settings.logins.keep_answer_for).min(limits.absolute);
        let keep_for = if standing.by_token { limits.absolute } else { unpresented };
        let body = self.vault.seal_body(self.nonce(), credential, &marks, &standing, &token_key);
        let profile = Profile::from(&standing.identity);
        let (cap, limit) = (self.settings.sessions_per_user, self.settings.session_limit);
        let new = NewSession {
            key: credential.key,
            user,
            record: Record { header, body: body.into() },
            tokens: Some(token_key.seal(self.nonce(), &credential.key, &known.tokens)),
            keep_for,
            tokens_for: limits.absolute,
            login_started: taken.started,
            replaces: Vec::new(),
            remember_for: self.settings.remember_ended_for,
            user_cap: limit.map_or(cap, |limit| limit.most.min(cap)),
            makes_room: limit.is_some_and(|limit| limit.on_exceed == OnExceed::EndOldest),
            began: now,
            notes_beginning: limit.is_some(),
            profile: Some(self.vault.seal_profile(self.nonce(), &user, &profile)),
        };
        let times = Times { created: now, last_active: now, absolute_end };
        (new, self.view(credential.key, standing, times, credential.generation))
    }

    /// The sessions that the browser had when the login began, and has now.
    fn priors(&self, login: &PendingLogin, presented: &Presented) -> Vec<SessionKey> {
        let mut priors: Vec<_> = login.prior.into_iter().chain(self.prior_session(presented)).collect();
        priors.dedup();
        priors
    }

    /// Ends the sessions that the browser had: those elsewhere at once, and answers those in the user's own partition,
    /// which end in the step that makes the new one. A crash between leaves the browser logged out, never with two.
    async fn end_priors(
        &self,
        priors: Vec<SessionKey>,
        user: &UserKey,
        untold: &mut Untold,
    ) -> Result<Vec<SessionKey>, Error> {
        let (near, far): (Vec<_>, Vec<_>) = priors.into_iter().partition(|prior| prior.partition == user.partition);
        self.end_in_store(&far, Ending::Replaced, untold).await?;
        Ok(near)
    }

    /// Those of `keys` that are living sessions of the user.
    async fn own_of(&self, user: &UserKey, keys: &[SessionKey]) -> Result<Vec<SessionKey>, Error> {
        let living = self.ports.sessions.sessions_of(user).await?;
        Ok(living.into_iter().map(|(key, _)| key).filter(|key| keys.contains(key)).collect())
    }
}

/// Text for people, cut, with what could change a terminal or a log left out (security.md 110).
fn readable(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).chars().filter(|c| !c.is_control()).take(SHOWN_CHARS).collect()
}
