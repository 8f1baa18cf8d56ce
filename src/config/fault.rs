//! Owns what is wrong with a configuration, and where. Does not know how it is found.

use std::fmt;

use super::tree::Place;

/// One thing that is wrong. Never holds a value, since any value may be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The key (`app.sessions.max_age`); empty where a whole file is meant.
    pub path: String,
    /// Where the value stands; `None` for one that stands nowhere.
    pub place: Option<Place>,
    /// What is wrong, and what would be right.
    pub message: String,
}

impl Fault {
    /// A fault at a place.
    #[must_use]
    pub fn at(place: &Place, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), place: Some(place.clone()), message: message.into() }
    }

    /// A fault of a key, wherever it stands.
    #[must_use]
    pub fn of(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), place: None, message: message.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

/// Everything that is wrong with a configuration, one line each, in the order of the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
pub struct Faults(pub Vec<Fault>);

impl Faults {
    /// Faults in the order of the file.
    #[must_use]
    pub fn sorted(mut faults: Vec<Fault>) -> Self {
        faults.sort_by(|left, right| left.place.cmp(&right.place));
        Self(faults)
    }
}

impl From<Fault> for Faults {
    fn from(fault: Fault) -> Self {
        Self(vec![fault])
    }
}
