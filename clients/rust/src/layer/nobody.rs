//! Owns what is answered where a session is needed and none is there. Does not know who needs it.

use std::sync::Arc;

use http::{Extensions, StatusCode};

use crate::answer::{Answer, Asker};
use crate::v1;

/// Why there is no session behind a request.
pub(super) enum Nobody {
    /// The authority found none, and says what to answer.
    Found { asker: Asker, answer: Option<v1::HttpAnswer> },
    /// A browser asks what its page may send, and is told.
    AsksAhead(Answer),
}

impl Nobody {
    pub(super) fn found(asker: Asker, inactive: v1::InactiveSession) -> Self {
        Self::Found { asker, answer: inactive.answer }
    }

    pub(super) fn asks_ahead(answer: Answer) -> Self {
        Self::AsksAhead(answer)
    }

    /// For the handler, should it need a session.
    pub(super) fn put_into(self, extensions: &mut Extensions) {
        extensions.insert(Arc::new(self));
    }

    pub(super) fn behind(extensions: &Extensions) -> Option<&Self> {
        extensions.get::<Arc<Self>>().map(AsRef::as_ref)
    }

    pub(super) fn answer(&self) -> Answer {
        match self {
            Self::Found { asker, answer: Some(answer) } => asker.copy(Some(answer.clone())),
            Self::Found { asker, answer: None } => {
                asker.error(StatusCode::UNAUTHORIZED, "NOT_SIGNED_IN", "You are not signed in.")
            }
            Self::AsksAhead(answer) => answer.clone(),
        }
    }
}
