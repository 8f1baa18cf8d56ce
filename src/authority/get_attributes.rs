//! Owns the use case GetAttributes: what an application keeps with the presented session. Does not know how it was asked.

use super::admit_to_use::Refusal;
use super::attributes::Attributes;
use super::validate_session::{Denied, Inactive};
use super::{Authority, Call, Error, Presented};

/// The answer, also of UpdateAttributes.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// What is kept.
    Kept(Attributes),
    /// There is no living session.
    Inactive(Inactive),
    /// The session lives, but this request may not go ahead.
    Denied(Box<Denied>),
}

impl From<Refusal> for Outcome {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Inactive(inactive) => Self::Inactive(inactive),
            Refusal::Denied(denied) => Self::Denied(denied),
        }
    }
}

impl Authority {
    /// Reads what an application keeps with a session.
    ///
    /// # Errors
    /// When the store can't say.
    pub async fn get_attributes(&self, call: &Call, presented: &Presented) -> Result<Outcome, Error> {
        match self.admit_to_use(call, presented).await? {
            Ok(admitted) => Ok(Outcome::Kept(self.attributes_of(&admitted).await?)),
            Err(refusal) => Ok(refusal.into()),
        }
    }
}
