//! Owns what can be seen of the authority at work, and at its doors: moments and words that are few, none of which names a
//! user, a session or a secret. Does not know who looks on, or what becomes of it.
//!
//! Measuring is no use case's business: each says in one line what it has come to. Stores are measured from outside, by
//! one that stands before the port.

use std::fmt::Debug;
use std::time::Duration;

use tracing::Span;

use super::Authority;
use super::login_answer::LoginFailure;
use super::provider::ProviderError;
use super::validate_session::{AtOnce, DeniedReason, Outcome};
use crate::authority::Error;
use crate::session::admission::InactiveReason;
use crate::session::key::TenantNumber;

/// What a check came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Verdict {
    /// The session lives, and the request may go ahead.
    Active,
    /// There is no session: no cookie came.
    NothingCame,
    /// Nothing that came was signed by us.
    Forged,
    /// It is no longer there.
    Ended,
    /// It is past its absolute limit.
    Expired,
    /// It was not used for too long.
    Idle,
    /// It was ended.
    Revoked,
    /// The client is another one than at login.
    OtherClient,
    /// Credentials of two sessions came.
    Ambiguous,
    /// It lives, but something is wrong with the CSRF token.
    CsrfRefused,
    /// It lives, but the request comes from an origin that is not allowed.
    OriginRefused,
    /// It lives, but who is logged in, or how, is not what the request needs.
    NeedsMore,
    /// The authority could not say.
    Unsaid,
}

impl Verdict {
    /// Every verdict, in the order of their numbers.
    pub const ALL: [Self; 13] = [
        Self::Active,
        Self::NothingCame,
        Self::Forged,
        Self::Ended,
        Self::Expired,
        Self::Idle,
        Self::Revoked,
        Self::OtherClient,
        Self::Ambiguous,
        Self::CsrfRefused,
        Self::OriginRefused,
        Self::NeedsMore,
        Self::Unsaid,
    ];

    /// Its outcome as the contract has it, or `error`; and why.
    #[must_use]
    pub const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Active => ("active", "none"),
            Self::NothingCame => ("inactive", "no_cookie"),
            Self::Forged => ("inactive", "forged"),
            Self::Ended => ("inactive", "ended"),
            Self::Expired => ("inactive", "expired"),
            Self::Idle => ("inactive", "idle"),
            Self::Revoked => ("inactive", "revoked"),
            Self::OtherClient => ("inactive", "fingerprint"),
            Self::Ambiguous => ("inactive", "ambiguous"),
            Self::CsrfRefused => ("denied", "csrf"),
            Self::OriginRefused => ("denied", "origin"),
            Self::NeedsMore => ("denied", "requirements"),
            Self::Unsaid => ("error", "unsaid"),
        }
    }
}

impl From<&Result<Outcome, Error>> for Verdict {
    fn from(answered: &Result<Outcome, Error>) -> Self {
        match answered {
            Ok(outcome) => outcome.into(),
            Err(_) => Self::Unsaid,
        }
    }
}

impl From<&Outcome> for Verdict {
    fn from(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Active(_) => Self::Active,
            Outcome::Inactive(inactive) => match inactive.reason {
                InactiveReason::None => Self::NothingCame,
                InactiveReason::Forged => Self::Forged,
                InactiveReason::Ended => Self::Ended,
                InactiveReason::Expired => Self::Expired,
                InactiveReason::Idle => Self::Idle,
                InactiveReason::Revoked => Self::Revoked,
                InactiveReason::Fingerprint => Self::OtherClient,
                InactiveReason::Ambiguous => Self::Ambiguous,
            },
            Outcome::Denied(denied) => match denied.reason {
                DeniedReason::Csrf(_) => Self::CsrfRefused,
                DeniedReason::OriginRefused => Self::OriginRefused,
                DeniedReason::Missing(_) => Self::NeedsMore,
            },
        }
    }
}

/// What a check rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Basis {
    /// On what came alone: nothing was looked up.
    Request,
    /// On the near cache.
    Memory,
    /// On the store.
    Store,
}

/// Sees what the use cases come to.
///
/// Every method is called on the way of an answer: none MUST wait, fail or panic.
pub trait Observer: Send + Sync + Debug {
    /// A check was answered.
    fn checked(&self, tenant: TenantNumber, verdict: Verdict, basis: Basis);

    /// A login began: the browser is on its way to the provider.
    fn login_began(&self, tenant: TenantNumber, provider: &str);

    /// A login came to an end, or was refused before it began. `provider` is a configured one; `None` where that is not
    /// known. A repeated answer is no further end.
    fn login_ended(&self, tenant: TenantNumber, provider: Option<&str>, failure: Option<LoginFailure>);

    /// A provider was asked for new tokens, and gave some, or why not.
    fn refreshed(&self, tenant: TenantNumber, provider: &str, failure: Option<&ProviderError>);

    /// Entries of the audit are not kept, for a reason of a fixed few: the log alone has them.
    fn not_audited(&self, tenant: TenantNumber, why: &'static str, count: u64);
}

/// A call as it comes in, once its caller is known.
#[derive(Clone, Copy, Debug)]
pub struct Incoming<'a> {
    /// The place of its method among those that are served.
    pub method: usize,
    /// Names it in the log.
    pub request_id: &'a str,
    /// Its caller's name; empty for whoever needs none.
    pub caller: &'a str,
    /// Which trace its caller says that it belongs to (W3C Trace Context).
    pub traceparent: Option<&'a str>,
    /// What travels with that.
    pub tracestate: Option<&'a str>,
}

/// What is read whenever somebody wants to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gauge {
    /// How many of the places of this name are taken.
    Taken(&'static str),
    /// How many of them there are.
    Places(&'static str),
    /// How many pieces of work run that have to come to their end.
    Tasks,
    /// Whether the store answers: 1 or 0.
    StoreAnswers,
    /// Whether all that replicas announce is heard: 1 or 0.
    HearsEvents,
    /// How far the store's time is ahead of this machine's, in seconds.
    StoreAhead,
    /// When the configuration in force was loaded, in seconds since the Unix epoch.
    ConfigurationTime,
    /// Whether the configuration on disk is another one, which can't be used: 1 or 0.
    ConfigurationRefused,
}

/// Reads a gauge; `None` while there is nothing to read.
pub type Reading = Box<dyn Fn() -> Option<f64> + Send + Sync>;

/// Sees the calls that come in.
///
/// Every method is called on the way of an answer: none MUST wait, fail or panic.
pub trait CallObserver: Send + Sync + Debug {
    /// A call is let in. What is done for it happens within the span, if there is one.
    fn began(&self, call: &Incoming<'_>) -> Span;

    /// A call is answered, or refused, with this status code of gRPC. `method` is `None` where no such method is served.
    fn ended(&self, method: Option<usize>, code: u8, took: Duration, span: &Span);

    /// There is something to read.
    fn can_read(&self, gauge: Gauge, reading: Reading);
}

/// A request that is on its way to a provider.
#[derive(Debug)]
pub struct Outgoing {
    /// What is done for it happens within.
    pub span: Span,
    /// What to send as `traceparent`, if the provider is to be told.
    pub traceparent: Option<String>,
}

/// Sees what one provider is asked over HTTP.
///
/// Every method is called on the way of an answer: none MUST wait, fail or panic.
pub trait ProviderObserver: Send + Sync + Debug {
    /// A request is about to be sent, by this method, to this host.
    fn began(&self, method: &'static str, host: &str) -> Outgoing;

    /// It was answered with a status, or failed in a way that has this name.
    fn ended(&self, method: &'static str, end: Result<u16, &'static str>, took: Duration, span: &Span);
}

impl Authority {
    /// Shows what a check came to that was answered, or failed, at once.
    pub(super) fn show_at_once(&self, answered: &Result<AtOnce, Error>) {
        let Some(observer) = &self.ports.observer else { return };
        let (verdict, basis) = match answered {
            Ok(AtOnce::Open(_)) => return,
            Ok(AtOnce::Answered(outcome @ Outcome::Active(_))) => (outcome.into(), Basis::Memory),
            Ok(AtOnce::Answered(outcome)) => (outcome.into(), Basis::Request),
            Err(_) => (Verdict::Unsaid, Basis::Request),
        };
        observer.checked(self.settings.tenant, verdict, basis);
    }

    /// Shows what a check came to that the store was needed for.
    pub(super) fn show_check(&self, answered: &Result<Outcome, Error>, was_known: bool) {
        if let Some(observer) = &self.ports.observer {
            let basis = if was_known { Basis::Memory } else { Basis::Store };
            observer.checked(self.settings.tenant, answered.into(), basis);
        }
    }

    /// Shows that a login began.
    pub(super) fn show_login_began(&self, provider: &str) {
        if let Some(observer) = &self.ports.observer {
            observer.login_began(self.settings.tenant, provider);
        }
    }

    /// Shows how a login ended.
    pub(super) fn show_login(&self, provider: Option<&str>, failure: Option<LoginFailure>) {
        if let Some(observer) = &self.ports.observer {
            observer.login_ended(self.settings.tenant, provider, failure);
        }
    }

    /// Shows what a provider answered that was asked for new tokens.
    pub(super) fn show_refresh(&self, provider: &str, failure: Option<&ProviderError>) {
        if let Some(observer) = &self.ports.observer {
            observer.refreshed(self.settings.tenant, provider, failure);
        }
    }
}
