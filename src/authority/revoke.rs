//! Owns the use case SessionService.Revoke: end the presented session. Does not know how it was asked.

use super::{Authority, Error, Presented};

impl Authority {
    /// Ends the presented session, and answers whether one was living. Of a browser that presents several, all.
    ///
    /// # Errors
    /// When the store can't say; then it may or may not have ended, and asking again is safe.
    pub async fn revoke(&self, presented: &Presented) -> Result<bool, Error> {
        let mut ended = false;
        for admitted in self.admit_to_end(presented).await? {
            ended |= self.end(&admitted).await?.1;
        }
        Ok(ended)
    }
}
