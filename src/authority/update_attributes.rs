//! Owns the use case UpdateAttributes: change what an application keeps with the presented session, if nobody else has.
//! Does not know how it was asked.

use std::collections::BTreeMap;

use super::get_attributes::Outcome;
use super::ports::{KeptAttributes, Written};
use super::{Authority, Call, Error, Presented};
use crate::session::admission::InactiveReason;

/// The question.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// What came.
    pub presented: Presented,
    /// The version that was read.
    pub expected_version: u64,
    /// Values to keep.
    pub set: BTreeMap<String, Vec<u8>>,
    /// Names of values to keep no longer.
    pub remove: Vec<String>,
}

const LONGEST_NAME: usize = 64;

impl Authority {
    /// Changes what an application keeps with a session, and answers what that is then.
    ///
    /// # Errors
    /// When a value is not right, another version is kept, or the store can't say.
    pub async fn update_attributes(&self, call: &Call, question: Question) -> Result<Outcome, Error> {
        let Question { presented, expected_version, set, remove } = question;
        let misnamed = [("set", set.keys().all(is_name)), ("remove", remove.iter().all(is_name))];
        if let Some((field, _)) = misnamed.into_iter().find(|(_, are_names)| !are_names) {
            return Err(invalid(field, format!("names of 1 to {LONGEST_NAME} letters, digits and \"-_.:\"")));
        }
        if remove.iter().any(|name| set.contains_key(name)) {
            return Err(invalid("remove", "names that are not in `set` too"));
        }
        let admitted = match self.admit_to_use(call, &presented).await? {
            Ok(admitted) => admitted,
            Err(refusal) => return Ok(refusal.into()),
        };
        let mut kept = self.attributes_of(&admitted).await?;
        if kept.version != expected_version {
            return Err(Error::VersionConflict);
        }
        kept.values.extend(set);
        kept.values.retain(|name, _| !remove.contains(name));
        let (limits, bytes) =
            (self.settings.attributes, kept.values.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>());
        if kept.values.len() > limits.count || bytes > limits.bytes {
            let expected =
                format!("at most {} values, of {} bytes in all with their names", limits.count, limits.bytes);
            return Err(invalid("set", expected));
        }
        kept.version += 1;
        let key = &admitted.credential.key;
        // Whoever holds the successor may have kept others by now.
        let token_key = self.token_key_of(&admitted)?.ok_or(Error::VersionConflict)?;
        let sealed = token_key.seal_attributes(self.nonce(), key, kept.version, &kept.values);
        let keep_for = admitted.times.absolute_end.since(self.ports.clock.now());
        let new = KeptAttributes { version: kept.version, sealed };
        match self.ports.sessions.put_attributes(key, new, keep_for).await? {
            Written::Yes => Ok(Outcome::Kept(kept)),
            Written::RevisionChanged | Written::FenceLost => Err(Error::VersionConflict),
            Written::Gone => {
                let context = presented.context.as_deref();
                Ok(Outcome::Inactive(self.inactive(InactiveReason::Revoked, context, true, call)))
            }
        }
    }
}

fn is_name(name: impl AsRef<str>) -> bool {
    let name = name.as_ref();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.:".contains(&byte);
    (1..=LONGEST_NAME).contains(&name.len()) && name.bytes().all(plain)
}

fn invalid(field: &'static str, expected: impl Into<String>) -> Error {
    Error::InvalidField { field, expected: expected.into() }
}
