//! Owns that a call with an idempotency key is carried out once: of racing ones one is, and the others wait for its answer,
//! which is repeated from then on. Does not know what is asked, nor what an answer says.

use std::convert::Infallible;
use std::pin::pin;
use std::time::Duration;

use futures::future::{Either, select};

use super::admit::Judgement;
use super::claims::{Claims, InTheWay};
use super::ports::Lookup;
use super::{Authority, Call, Error, Presented};
use crate::crypto::{Secret, SecretBytes, digest};
use crate::session::admission::{Chosen, signed};
use crate::session::audit::{Action, Entry, Outcome};
use crate::session::credential::Credential;
use crate::session::kept_call::KeptCall;

/// Whoever carries a call out says so again well within this time; else it is taken to have gone.
const LEASE: Duration = Duration::from_secs(5);
const RENEWALS: u32 = 3;

/// A call as its caller names it.
#[derive(Clone, Debug)]
pub struct NamedCall {
    /// What is asked for.
    pub method: &'static str,
    /// The idempotency key.
    pub key: Secret,
    /// The request as it counts: without the key, what was presented, and what only tells of the way it came.
    pub request: Vec<u8>,
    /// What was presented with it.
    pub presented: Presented,
    /// What of that names it too.
    pub stands_on: StandsOn,
}

/// What a call stands on: whoever repeats it has to present that again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StandsOn {
    /// A session, which has to live for the answer to be true. Without one nothing is done, and nothing kept.
    LivingSession,
    /// A session, which may have ended since. Without one nothing is done, and nothing kept.
    Session,
    /// The binding of a browser. Without one nothing is done, and nothing kept.
    Binding,
    /// The binding of a browser that has one.
    AnyBinding,
    /// Its caller alone.
    Caller,
}

/// How far a call has come before.
pub enum Beginning {
    /// Nowhere: it is to be carried out, and its answer kept.
    Claimed(Box<CarryingOut>),
    /// It was answered so.
    Answered(Vec<u8>),
    /// No answer of such a call is kept, or what was kept is not true any more.
    NotKept,
}

/// An answer that is to be kept.
pub struct FinalAnswer<'a> {
    /// The answer, as it is to come back.
    pub bytes: Vec<u8>,
    /// The cookies that it sets.
    pub set_cookies: &'a [String],
}

/// All that names a call.
struct Name {
    method: &'static str,
    caller: Box<str>,
    key: Secret,
    presented: SecretBytes<32>,
    request: SecretBytes<32>,
}

impl Name {
    /// What finds it: another request under it is another use of the same key.
    fn place(&self) -> [&[u8]; 5] {
        [b"call", self.method.as_bytes(), self.caller.as_bytes(), self.key.expose().as_bytes(), self.presented.expose()]
    }

    fn request(&self) -> [&[u8]; 3] {
        [b"request", self.method.as_bytes(), self.request.expose()]
    }

    /// What opens its answer.
    fn whole(&self) -> [&[u8]; 5] {
        let [_, method, caller, key, presented] = self.place();
        [method, caller, key, presented, self.request.expose()]
    }
}

impl Authority {
    /// Claims a call, or answers how it was answered before. While somebody else carries it out, at this replica or another,
    /// it waits: to be dropped when its caller waits no longer. One whose holder has gone is carried out anew.
    ///
    /// # Errors
    /// When its key came with another request, when it failed for good before, or the store can't say.
    pub async fn begin_once(&self, call: &Call, named: &NamedCall) -> Result<Beginning, Error> {
        let (Some(keep_for), Some(presented)) = (self.settings.keep_answers_for, self.presented_with(named)) else {
            return Ok(Beginning::NotKept);
        };
        let request = SecretBytes::new(digest("gatelodge request", &[&named.request]));
        let (method, caller, key) = (named.method, call.caller().into(), named.key.clone());
        let name = Name { method, caller, key, presented, request };
        let claims = self.claims(&name.place(), &name.request());
        let mut own = Box::new(CarryingOut { authority: self.clone(), claims, name, keep_for });
        let answers = &self.ports.answers;
        loop {
            match own.claims.make(answers.as_ref(), LEASE).await? {
                Ok(()) => return Ok(Beginning::Claimed(own)),
                Err(InTheWay { is_same: false, .. }) => return Err(Error::IdempotencyKeyReused),
                Err(InTheWay { answer: Some(sealed), .. }) => {
                    return self.repeat_call(call, named, &own.name, &sealed).await;
                }
                Err(InTheWay { at, answer: None, .. }) => answers.wait_for_answer(&at, LEASE).await?,
            }
        }
    }

    /// A hash of what the call stands on; `None` where that did not come.
    fn presented_with(&self, named: &NamedCall) -> Option<SecretBytes<32>> {
        let mut secrets: Vec<_> = match named.stands_on {
            StandsOn::LivingSession | StandsOn::Session => {
                self.signed(&named.presented).map(|own| own.handle().expose().to_vec()).collect()
            }
            StandsOn::Binding | StandsOn::AnyBinding => {
                self.bindings(&named.presented).iter().map(|own| own.secret().expose().to_vec()).collect()
            }
            StandsOn::Caller => Vec::new(),
        };
        let may_lack = matches!(named.stands_on, StandsOn::AnyBinding | StandsOn::Caller);
        secrets.sort_unstable();
        secrets.dedup();
        let parts: Vec<_> = secrets.iter().map(Vec::as_slice).collect();
        (may_lack || !parts.is_empty()).then(|| SecretBytes::new(digest("gatelodge presented", &parts)))
    }

    fn signed<'a>(&'a self, presented: &'a Presented) -> impl Iterator<Item = Credential> + 'a {
        signed(self.session_cookies(presented), self.settings.tenant, &self.vault.credential)
    }

    async fn repeat_call(
        &self,
        call: &Call,
        named: &NamedCall,
        name: &Name,
        sealed: &[u8],
    ) -> Result<Beginning, Error> {
        let (bytes, credential) = match self.vault.open_kept_call(&name.whole(), sealed)? {
            KeptCall::Failure(number) => {
                self.note_repeat(call, named);
                return Err(Error::kept(number));
            }
            KeptCall::Answer { bytes, credential } => (bytes, credential),
        };
        let is_true = match (credential, named.stands_on) {
            (Some(text), _) => match Credential::read(text.expose().as_bytes(), &self.vault.credential) {
                Some(given) => self.is_true_of(given, true).await?,
                None => false,
            },
            (None, StandsOn::LivingSession) => self.lives(&named.presented).await?,
            (None, _) => true,
        };
        let (method, request_id) = (named.method, &call.request_id);
        tracing::debug!(method, caller = call.caller(), request_id, is_true, "its idempotency key came before");
        if is_true {
            self.note_repeat(call, named);
        }
        Ok(if is_true { Beginning::Answered(bytes) } else { Beginning::NotKept })
    }

    fn note_repeat(&self, call: &Call, named: &NamedCall) {
        let context = named.presented.context.as_deref();
        let stands_on_one = matches!(named.stands_on, StandsOn::LivingSession | StandsOn::Session);
        let session = self.signed(&named.presented).next().filter(|_| stands_on_one).map(|own| own.key);
        let detail = named.method.trim_end_matches("Request").to_owned();
        let entry = self.entry(Action::AnsweredAgain, call, context);
        self.audit(Entry { outcome: Outcome::Repeated, detail, session, ..entry });
    }

    /// Whether a session that is presented still lives.
    async fn lives(&self, presented: &Presented) -> Result<bool, Error> {
        for credential in self.signed(presented) {
            if self.is_true_of(credential, false).await? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether a credential's session lives, as the store has it; and, where it is to be given out again, whether it is the
    /// one in force: an older one would log the browser out.
    async fn is_true_of(&self, credential: Credential, in_force: bool) -> Result<bool, Error> {
        let Lookup::Found(record) = self.look_up(&credential.key).await? else { return Ok(false) };
        if in_force && !credential.matches(&record.header.current) {
            return Ok(false);
        }
        let chosen = Chosen { credential, under_former_name: false };
        Ok(matches!(self.judge(&chosen, record, None)?, Judgement::Living(_)))
    }

    /// The credential that an answer gives out, if it does.
    fn given_in(&self, set_cookies: &[String]) -> Option<Secret> {
        set_cookies.iter().find_map(|cookie| {
            let (name, rest) = cookie.split_once('=')?;
            let value = rest.split(';').next().filter(|value| !value.is_empty())?;
            self.session_cookie_names.iter().any(|own| own == name).then(|| Secret::new(value))
        })
    }
}

/// A claimed call. Dropped before it is answered, it is given back: a repeat need not wait until the claim runs out.
pub struct CarryingOut {
    authority: Authority,
    claims: Claims,
    name: Name,
    keep_for: Duration,
}

impl CarryingOut {
    /// Carries the call out, and keeps its answer where that is final, in the words of `written`. What can't be kept is not
    /// repeated: a repeat is carried out anew, which does nothing twice.
    ///
    /// # Errors
    /// Those of the work.
    pub async fn through<T>(
        mut self: Box<Self>,
        work: impl Future<Output = Result<T, Error>>,
        written: impl Fn(&T) -> Option<FinalAnswer<'_>>,
    ) -> Result<T, Error> {
        let done = match select(pin!(work), pin!(hold_on(self.authority.clone(), self.claims.clone()))).await {
            Either::Left((done, _)) => done,
            Either::Right((never, _)) => match never {},
        };
        let kept = match &done {
            Ok(answer) => written(answer).map(|answer| KeptCall::Answer {
                credential: self.authority.given_in(answer.set_cookies),
                bytes: answer.bytes,
            }),
            Err(error) => error.kept_number().map(KeptCall::Failure),
        };
        if let Some(kept) = kept {
            self.keep(&kept).await;
        }
        done
    }

    async fn keep(&mut self, kept: &KeptCall) {
        let authority = &self.authority;
        let sealed = authority.vault.seal_kept_call(authority.nonce(), &self.name.whole(), kept);
        if let Err(error) = self.claims.keep(authority.ports.answers.as_ref(), &sealed, self.keep_for).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, method = self.name.method, "the answer to an idempotency key could not be kept");
        }
    }
}

/// Says again and again that the call is being carried out.
async fn hold_on(authority: Authority, claims: Claims) -> Infallible {
    let ports = &authority.ports;
    loop {
        ports.beside.pause(LEASE / RENEWALS).await;
        claims.hold_on(ports.answers.as_ref(), LEASE).await;
    }
}

impl Drop for CarryingOut {
    fn drop(&mut self) {
        if self.claims.is_empty() {
            return;
        }
        let (answers, mut claims) = (self.authority.ports.answers.clone(), self.claims.clone());
        self.authority.ports.beside.finish(Box::pin(async move {
            // Where this fails too, the claims run out by themselves.
            if let Err(error) = claims.give_back(answers.as_ref()).await {
                tracing::debug!(error = &error as &dyn std::error::Error, "an idempotency key could not be given back");
            }
        }));
    }
}
