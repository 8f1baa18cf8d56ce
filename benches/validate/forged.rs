//! Owns what a forged credential costs: calls over the wire, and what of them reached the store's port.
//! Does not know how a forgery is told.

use gatelodge::crypto::{KeyRing, Secret};
use gatelodge_client::v1::validate_session_response::Outcome;
use gatelodge_client::v1::{InactiveReason, ValidateSessionRequest};
use tokio::task::JoinSet;

use crate::load::Asker;
use crate::process::Server;
use crate::protocol::{Kind, Order};
use crate::{Result, session};

/// What forged credentials cost.
pub struct Forged {
    /// How many were presented.
    pub calls: usize,
    /// How many calls reached the store.
    pub store_calls: u64,
}

const AT_ONCE: usize = 32;

/// Presents `calls` forged credentials, no two the same, after one good one that shows that the counter counts.
pub async fn measure(calls: usize) -> Result<Forged> {
    let mut server =
        Server::start(&Order { kind: Kind::Counted, redis: None, all_on: false, collector: None, answer: Vec::new() })?;
    let mut asker = Asker::connect(&server.ready.address, &server.ready.api_key).await?;
    let good = session::question(&server.ready.credential);
    asker.ask(good.clone()).await?;
    let before = server.store_calls()?;
    asker.ask(good).await?;
    let counted = server.store_calls()? - before;
    if counted != 1 {
        return Err(format!("a validation cost {counted} store calls, not 1").into());
    }
    let before = server.store_calls()?;
    let mut tasks = JoinSet::new();
    for first in 0..AT_ONCE {
        let (mut asker, good) = (asker.clone(), server.ready.credential.clone());
        tasks.spawn(async move {
            for number in (first..calls).step_by(AT_ONCE) {
                let answer = asker.ask(forgery(&good, number)).await?;
                let Some(Outcome::Inactive(found)) = answer.outcome else { return Err("a forgery passed".into()) };
                if found.reason() != InactiveReason::Forged {
                    return Err(format!("a forgery was answered {:?}", found.reason()).into());
                }
            }
            Result::Ok(())
        });
    }
    while let Some(done) = tasks.join_next().await {
        done??;
    }
    Ok(Forged { calls, store_calls: server.store_calls()? - before })
}

/// A credential that this authority has not made: of another ring, cut, changed, or no credential at all.
fn forgery(good: &str, number: usize) -> ValidateSessionRequest {
    let text = match number % 4 {
        0 => {
            let (_, credential) = session::make(&session::vault(session::TENANT), session::user(number), None);
            let ring = KeyRing::new(Secret::new(format!("the secret of another ring, number {number}")), []);
            credential.text(&ring.mac("credential")).expose().to_owned()
        }
        1 => good.chars().take(number % good.len()).collect(),
        2 => {
            let at = 5 + number % (good.len() - 5);
            let other = |c| if c == 'A' { 'B' } else { 'A' };
            good.chars().enumerate().map(|(position, c)| if position == at { other(c) } else { c }).collect()
        }
        _ => format!("garbage {number}"),
    };
    session::question(&text)
}
