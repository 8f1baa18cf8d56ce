//! Owns how replicas learn what came forged to each other: beside all answers, a bounded number of counts a second. Does not
//! know what is forged, or how it is counted.

use std::sync::Arc;
use std::time::Duration;

use futures::future::join_all;

use super::Authority;
use super::forgeries::Share;

/// So many counts are shared in a round.
const AT_ONCE: usize = 100;
/// From one round to the next.
const ROUND: Duration = Duration::from_secs(1);

impl Authority {
    /// Shares what waits to be shared, until nothing does.
    pub(super) fn share_forgeries(&self) {
        let (forgeries, ports) = (Arc::clone(&self.forgeries), self.ports.clone());
        let refusals = Arc::clone(&self.refusals);
        let tenant = self.settings.tenant;
        let work = async move {
            let one = async |share: Share| match ports.rates.owe(&share.key, share.owed, share.allowance).await {
                Ok(back_in) => forgeries.learn(&share, back_in),
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    if let Some(unsaid) = refusals.say(tenant, ("unshared", "bad credentials"), ports.clock.running()) {
                        tracing::warn!(error, unsaid, "what came forged is counted by this replica alone");
                    }
                }
            };
            while let Some(shares) = forgeries.next(AT_ONCE, ports.clock.running()) {
                join_all(shares.into_iter().map(one)).await;
                ports.beside.pause(ROUND).await;
            }
        };
        if !self.ports.beside.run(Box::pin(work)) {
            self.forgeries.give_up();
        }
    }
}
