//! Owns what this process is at for some session right now, so that nothing is done twice at once.
//! Does not know how any of it is done.

use std::sync::Arc;

use super::Error;
use super::exchange::SharedExchange;
use super::flights::Flights;
use super::get_user_info::SharedUserInfo;
use super::refresh::SharedRefresh;
use super::refresh_beside::Resting;
use super::room::Occupancy;
use super::user_of_token::SharedTokenUser;
use crate::crypto::Digest;
use crate::session::key::SessionKey;

/// What is under way.
pub(super) struct UnderWay {
    /// Refreshes of tokens.
    pub(super) refreshes: Arc<Flights<SessionKey, SharedRefresh>>,
    /// Exchanges of tokens, by whom they are for.
    pub(super) exchanges: Arc<Flights<(SessionKey, String), SharedExchange>>,
    /// Questions to providers about who a user is.
    pub(super) user_infos: Arc<Flights<SessionKey, SharedUserInfo>>,
    /// The same about the user of a bearer token, by the token.
    pub(super) token_users: Arc<Flights<Digest, SharedTokenUser>>,
    /// Counting the tenant's sessions.
    pub(super) counts: Arc<Flights<(), Result<(), Arc<Error>>>>,
    /// What was counted.
    pub(super) occupancy: Arc<Occupancy>,
    /// Sessions whose tokens were refreshed beside an answer a moment ago.
    pub(super) resting: Resting,
}

/// Why something was not begun for a session: it could not be brought to its end.
pub(super) fn too_much() -> Error {
    Error::ProviderUnavailable("too much is asked of providers already".into())
}

impl Default for UnderWay {
    fn default() -> Self {
        Self {
            refreshes: Flights::new(),
            exchanges: Flights::new(),
            user_infos: Flights::new(),
            token_users: Flights::new(),
            counts: Flights::new(),
            occupancy: Arc::default(),
            resting: Resting::default(),
        }
    }
}
