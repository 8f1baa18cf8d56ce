//! Owns the limits on how often a client, and a tenant's clients together, may begin a login, complete one, or come with
//! something forged; and what is answered to whoever does so more often. Does not know where it is counted.

use std::time::Duration;

use super::answer::{HttpAnswer, Trouble};
use super::{Authority, Call, Error};
use crate::session::key::RateKey;
use crate::session::rate::{Allowance, Rate, Taken, network};
use crate::session::request::RequestContext;

/// How often what may be done; nothing is limited by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// Begin a login.
    pub logins: Rate,
    /// Come back from a provider with a state of ours.
    pub callbacks: Rate,
    /// Come with a session credential, a state or an API key that is forged.
    pub bad_credentials: Rate,
}

/// What is limited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Limited {
    Logins,
    Callbacks,
    BadCredentials,
}

impl Limited {
    const fn rate(self, rates: &Rates) -> Rate {
        match self {
            Self::Logins => rates.logins,
            Self::Callbacks => rates.callbacks,
            Self::BadCredentials => rates.bad_credentials,
        }
    }

    /// What it is called in logs and in what is hashed.
    const fn name(self) -> &'static str {
        match self {
            Self::Logins => "logins",
            Self::Callbacks => "callbacks",
            Self::BadCredentials => "bad credentials",
        }
    }

    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Logins => ("Too many logins were begun", "Begin the login again"),
            Self::Callbacks => ("Too many logins were completed", "The login is still open: reload this page"),
            Self::BadCredentials => ("Too many credentials came that are not good", "Try again, or log in anew,"),
        }
    }
}

impl Authority {
    /// Lets a client go on that has not done something too often, as all replicas have counted. Where the store can't count
    /// it goes on: what it wants needs the store too.
    ///
    /// # Errors
    /// [`Error::RateLimited`].
    pub(super) async fn within_rate(&self, what: Limited, context: &RequestContext, call: &Call) -> Result<(), Error> {
        for (key, allowance) in self.counts(what, Some(context)).into_iter().flatten() {
            match self.ports.rates.take_one(&key, allowance).await {
                Ok(Taken::Yes) => (),
                Ok(Taken::No(wait)) => return Err(self.rate_limited(what, wait, Some(context), call)),
                Err(error) => {
                    let (error, request_id) = (&error as &dyn std::error::Error, &call.request_id);
                    tracing::warn!(error, what = what.name(), request_id, "nobody could count: it goes on");
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Notes that something forged came. It is counted in this process, without waiting; other replicas hear of it beside.
    ///
    /// # Errors
    /// [`Error::RateLimited`], where too much of it came.
    pub(super) fn note_forgery(&self, context: Option<&RequestContext>, call: &Call) -> Result<(), Error> {
        let what = Limited::BadCredentials;
        for (key, allowance) in self.counts(what, context).into_iter().flatten() {
            let noted = self.forgeries.take(&key, allowance, self.ports.clock.running());
            if noted.begins {
                self.share_forgeries();
            }
            if let Taken::No(wait) = noted.taken {
                return Err(self.rate_limited(what, wait, context, call));
            }
        }
        Ok(())
    }

    /// Notes that an API key came with a browser's request that is nobody's: something forged, which the log tells now and then.
    ///
    /// # Errors
    /// As where a credential is forged: [`Error::RateLimited`], where too much of it came.
    pub fn note_bad_key(&self, context: Option<&RequestContext>, call: &Call) -> Result<(), Error> {
        self.note_forgery(context, call)?;
        let kind = ("api_key_invalid", "x-api-key");
        if let Some(unsaid) = self.refusals.say(self.settings.tenant, kind, self.ports.clock.running()) {
            tracing::warn!(
                unsaid,
                client = self.client_of(context),
                tenant = self.settings.tenant_name,
                caller = call.caller(),
                request_id = call.request_id,
                "refused: the X-API-Key of a request is nobody's"
            );
        }
        Ok(())
    }

    /// Where a request comes from, for the log.
    fn client_of(&self, context: Option<&RequestContext>) -> Option<impl tracing::Value + use<>> {
        context.and_then(|context| self.settings.trusted_proxies.client(context)).map(tracing::field::display)
    }

    /// What is counted: first of the client, where its address is known, so that one who is refused takes nothing from the
    /// others; then of all.
    fn counts(&self, what: Limited, context: Option<&RequestContext>) -> [Option<(RateKey, Allowance)>; 2] {
        let Rate { client, tenant } = what.rate(&self.settings.rates);
        let key =
            |whose: &[u8]| RateKey::of(self.settings.tenant, self.vault.rate.steady(&[what.name().as_bytes(), whose]));
        let of_client = client.and_then(|allowance| {
            let network = network(self.settings.trusted_proxies.client(context?)?);
            Some((key(network.to_string().as_bytes()), allowance))
        });
        [of_client, tenant.map(|allowance| (key(b""), allowance))]
    }

    fn rate_limited(&self, what: Limited, wait: Duration, context: Option<&RequestContext>, call: &Call) -> Error {
        if let Some(unsaid) =
            self.refusals.say(self.settings.tenant, ("rate_limited", what.name()), self.ports.clock.running())
        {
            tracing::warn!(
                what = what.name(),
                unsaid,
                client = self.client_of(context),
                tenant = self.settings.tenant_name,
                caller = call.caller(),
                request_id = call.request_id,
                "refused: too many of these; see `app.rates`"
            );
        }
        let seconds = wait.as_millis().div_ceil(1000).max(1);
        let (detail, remedy) = what.words();
        let remedy = format!("{remedy} in {seconds} {}.", if seconds == 1 { "second" } else { "seconds" });
        let trouble = Trouble { status: 429, reason: "rate_limited", detail: detail.to_owned(), remedy };
        let page = context.is_some_and(RequestContext::is_navigation);
        let mut answer = HttpAnswer::trouble(&trouble, page, &[], &call.request_id);
        answer.headers.push(("retry-after", seconds.to_string()));
        Error::RateLimited { wait, answer: answer.into() }
    }
}
