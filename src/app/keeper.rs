//! Owns the rhythm in which an authority keeps its event stream, knocks at providers, and seals users anew after a change of
//! secrets. Does not know what the steps do.

use std::time::Duration;

use futures::future::join_all;
use tokio::time::{MissedTickBehavior, interval, sleep};

use crate::authority::stream::HEARTBEAT_EVERY;
use crate::authority::tenants::Tenants;
use crate::authority::{Authority, Error};

/// How long one reading waits for events.
const WAIT: Duration = Duration::from_secs(5);
/// How soon a log is read again that could not be.
const AGAIN: Duration = Duration::from_millis(200);

/// Keeps the stream, for as long as the future is not dropped.
pub async fn keeping(authority: Authority) {
    tokio::join!(beating(&authority), hearing(&authority));
}

/// Seals users' profiles anew, once: tries until the store has answered.
pub async fn resealing(authority: Authority) {
    loop {
        match authority.reseal_users().await {
            Ok(0) => return,
            Ok(count) => {
                tracing::info!(count, "users were sealed anew with the present secret");
                return;
            }
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "users can't be sealed anew yet");
                sleep(WAIT).await;
            }
        }
    }
}

/// Asks providers that nobody has asked anything for that long, for as long as the future is not dropped: so that health
/// knows of them.
pub async fn knocking(tenants: Tenants, idle_for: Duration) {
    // So no provider is forgotten for much longer.
    let mut ticks = interval((idle_for / 2).max(Duration::from_millis(1)));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let now = tenants.now();
        join_all(now.authorities().map(|authority| authority.knock_at_providers(idle_for))).await;
    }
}

async fn beating(authority: &Authority) {
    let mut ticks = interval(HEARTBEAT_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut was_whole = false;
    loop {
        ticks.tick().await;
        report(authority.beat().await);
        let is_whole = authority.hears_everything();
        if was_whole && !is_whole {
            tracing::warn!("the event stream is broken; marks are read with every session until it is whole again");
        } else if is_whole && !was_whole {
            tracing::info!("the event stream is whole");
        }
        was_whole = is_whole;
    }
}

async fn hearing(authority: &Authority) {
    loop {
        let heard = authority.hear(WAIT).await;
        if heard.is_err() {
            sleep(AGAIN).await;
        }
        report(heard);
    }
}

fn report(outcome: Result<(), Error>) {
    if let Err(error) = outcome {
        let error = &error as &dyn std::error::Error;
        tracing::debug!(error, "the event log does not answer");
    }
}
