//! Owns the rhythm in which an authority keeps its event stream, knocks at providers, and seals anew what outlives a
//! key after a change of keys. Does not know what the steps do.

use std::time::Duration;

use futures::future::join_all;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use crate::authority::caller_keys::Reach;
use crate::authority::reseal::Resealed;
use crate::authority::stream::HEARTBEAT_EVERY;
use crate::authority::tenants::Tenants;
use crate::authority::{Authority, Error};

/// How long one reading waits for events.
const WAIT: Duration = Duration::from_secs(5);
/// How soon a log is read again that could not be.
const AGAIN: Duration = Duration::from_millis(200);

/// Keeps the stream, for as long as the future is not dropped.
pub async fn keeping(authority: Authority) {
    tokio::join!(beating(&authority), hearing(&authority), telling(&authority), ending_again(&authority));
}

/// Ends what goes on beside the calls, when no call is left, and then tells what was left to be told: what the keeper
/// had in hand is among it. Tries until the log has taken it or the time is over, and once at least.
pub async fn stop(mut beside: JoinSet<()>, authority: Option<&Authority>, until: Instant) {
    beside.shutdown().await;
    let Some(authority) = authority else { return };
    while let Err(error) = authority.announce_the_rest().await {
        if Instant::now() >= until {
            let error = &error as &dyn std::error::Error;
            tracing::error!(error, "sessions have ended of which those who watch them were not told");
            return;
        }
        sleep(AGAIN).await;
    }
}

/// Seals anew what outlives a key, once. Answers whether the store could say of all of it; `is_again` says that it
/// could not the last time either.
pub async fn reseal(authority: &Authority, reach: Reach, is_again: bool) -> bool {
    let (tenant, message) = (authority.tenant_name(), "what outlives a key can't be sealed anew yet");
    match authority.reseal(reach).await {
        Ok(resealed) if resealed == Resealed::default() => true,
        Ok(Resealed { users, caller_keys, mint_keys }) => {
            let message = "what outlives a key was sealed anew with the present one";
            tracing::info!(tenant, users, caller_keys, mint_keys, "{message}");
            true
        }
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            if is_again {
                tracing::warn!(tenant, error, "{message}");
            } else {
                tracing::debug!(tenant, error, "{message}");
            }
            false
        }
    }
}

/// Asks providers that nobody has asked anything for that long, for as long as the future is not dropped: so that
/// health knows of them.
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

/// Ends once more what the store has lost in a failover.
async fn ending_again(authority: &Authority) {
    let mut ticks = interval(AGAIN);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = authority.end_again_what_was_lost().await {
            let error = &error as &dyn std::error::Error;
            tracing::debug!(error, "what the store may have lost can't be ended once more yet");
        }
    }
}

/// Tells what nobody waits for, as soon as it is left to be told.
async fn telling(authority: &Authority) {
    loop {
        authority.something_is_left().await;
        let told = authority.announce_the_rest().await;
        if told.is_err() {
            sleep(AGAIN).await;
        }
        report(told);
    }
}

fn report(outcome: Result<(), Error>) {
    if let Err(error) = outcome {
        let error = &error as &dyn std::error::Error;
        tracing::debug!(error, "the event log does not answer");
    }
}
