//! Owns the use case SessionService.Revoke: end the presented session. Does not know how it was asked.

use super::admit::Admission;
use super::{Authority, Error, Presented};

impl Authority {
    /// Ends the presented session, and answers whether one was living.
    ///
    /// # Errors
    /// When the store can't say; then it may or may not have ended, and asking again is safe.
    pub async fn revoke(&self, presented: &Presented) -> Result<bool, Error> {
        match self.admit(presented).await? {
            Admission::Living(admitted) => Ok(self.end(&admitted).await?.1),
            Admission::Inactive(_) => Ok(false),
        }
    }
}
