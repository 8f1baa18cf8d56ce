//! Owns where a session is asked for, and since when it is refused there. Does not know what is revoked, or how often.

use std::sync::Arc;
use std::time::Duration;

use gatelodge_client::v1::admin_service_revoke_request::Target;
use gatelodge_client::{Client, Verdict, v1};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::{PATIENCE, Result};

/// What a browser shows of its session.
pub type Cookies = Vec<v1::Cookie>;

/// A replica, or a client that keeps answers.
#[derive(Clone)]
pub struct Place {
    pub name: &'static str,
    pub client: Client,
}

/// How long after the call of Revoke began, in milliseconds.
pub struct Refusal {
    /// The admin had the answer.
    pub answered: f64,
    /// Since when each place said no.
    pub places: Vec<f64>,
}

impl Place {
    /// Asks until the answer is a yes that is known by heart: the second one is.
    pub async fn known(&self, cookies: &Cookies) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        let mut yes = 0;
        while yes < 3 {
            match self.is_active(cookies).await {
                Ok(true) => yes += 1,
                _ if Instant::now() > end => return Err("a new session is not known everywhere".into()),
                _ => sleep(Duration::from_millis(5)).await,
            }
        }
        Ok(())
    }

    async fn is_active(&self, cookies: &Cookies) -> Result<bool> {
        let cookies = cookies.clone();
        let question = v1::ValidateSessionRequest { cookies, ..v1::ValidateSessionRequest::default() };
        Ok(matches!(self.client.sessions().check(question).await?.verdict, Verdict::Active(_)))
    }

    /// Asks for these sessions in turns until all have been refused and none was answered with yes since; the time of the
    /// first of these refusals.
    async fn refused_since(&self, sessions: &[Cookies], begin: Instant) -> Result<f64> {
        let (mut since, mut noes) = (f64::NAN, 0);
        for cookies in sessions.iter().cycle() {
            if self.is_active(cookies).await? {
                noes = 0;
                if begin.elapsed() > PATIENCE {
                    return Err("a revoked session lives on".into());
                }
            } else {
                if noes == 0 {
                    since = milliseconds(begin);
                }
                noes += 1;
                if noes == sessions.len() {
                    break;
                }
            }
            // What is known by heart is answered without ever waiting.
            tokio::task::yield_now().await;
        }
        Ok(since)
    }
}

/// Revokes, while every place is asked for these sessions, which have to be among what is revoked.
pub async fn refused(admin: &Client, target: Target, places: &[Place], sessions: &Arc<[Cookies]>) -> Result<Refusal> {
    let begin = Instant::now();
    let mut asking = JoinSet::new();
    for (number, place) in places.iter().enumerate() {
        let (place, sessions) = (place.clone(), Arc::clone(sessions));
        asking.spawn(async move { Result::Ok((number, place.refused_since(&sessions, begin).await?)) });
    }
    let question = v1::AdminServiceRevokeRequest { target: Some(target), ..v1::AdminServiceRevokeRequest::default() };
    admin.admin().revoke(question).await?;
    let (answered, mut refused) = (milliseconds(begin), vec![f64::NAN; places.len()]);
    while let Some(done) = asking.join_next().await {
        let (number, since) = done??;
        if let Some(own) = refused.get_mut(number) {
            *own = since;
        }
    }
    Ok(Refusal { answered, places: refused })
}

fn milliseconds(begin: Instant) -> f64 {
    begin.elapsed().as_secs_f64() * 1e3
}
