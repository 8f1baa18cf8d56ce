//! Owns what an audit entry says: who did what, when, from where, about which session, and what came of it. Holds no token,
//! no credential, and nothing that a provider wrote. Does not know when one is written, or where it is kept.

use super::audit_id::first;
pub use super::audit_id::{About, EntryId, EntryName};
pub use super::audit_room::Room;
pub use super::audit_step::{Step, StepBegun};
use super::key::{LoginKey, SessionKey, UserKey};
use super::time::Timestamp;
use crate::crypto::digest;

/// What was done, or tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Action {
    /// A browser was sent to a provider, or not.
    LoginBegun = 1,
    /// A browser came back from a provider.
    LoginCompleted = 2,
    /// A browser logged out.
    LoggedOut = 3,
    /// A provider ended sessions over its back channel.
    BackchannelLogout = 4,
    /// A provider's page ended sessions.
    FrontchannelLogout = 5,
    /// A user ended sessions of their own.
    RevokedByUser = 6,
    /// An admin ended sessions.
    RevokedByAdmin = 7,
    /// A credential of before came back: the session was ended as stolen.
    Theft = 8,
    /// A session was presented by another client than at login.
    OtherClient = 9,
    /// An admin disabled a user.
    UserDisabled = 10,
    /// An admin let a user log in again.
    UserEnabled = 11,
    /// An admin deleted a user.
    UserDeleted = 12,
    /// A token of our own was minted.
    TokenMinted = 13,
    /// A token for another audience was asked of a provider.
    TokenExchanged = 14,
    /// A session got another credential.
    Rotated = 15,
    /// A provider refused a session's refresh token.
    RefreshRefused = 16,
    /// An admin made an API key for a caller.
    CallerKeyMade = 17,
    /// An admin revoked one.
    CallerKeyRevoked = 18,
    /// Entries are not kept: the detail says how many, and why.
    EntriesLeftOut = 19,
    /// A browser came back from a provider to which it was sent to step its session up.
    SteppedUp = 20,
    /// A session's tokens were refreshed at its provider.
    Refreshed = 21,
    /// A call came again under its idempotency key, and was answered as before.
    AnsweredAgain = 22,
    /// A process has put another configuration in force, or could not.
    ConfigurationLoaded = 23,
    /// Keys of a ring came, changed their place, or went.
    KeysChanged = 24,
}

impl Action {
    /// Every action, in the order of their numbers.
    pub const ALL: [Self; 24] = [
        Self::LoginBegun,
        Self::LoginCompleted,
        Self::LoggedOut,
        Self::BackchannelLogout,
        Self::FrontchannelLogout,
        Self::RevokedByUser,
        Self::RevokedByAdmin,
        Self::Theft,
        Self::OtherClient,
        Self::UserDisabled,
        Self::UserEnabled,
        Self::UserDeleted,
        Self::TokenMinted,
        Self::TokenExchanged,
        Self::Rotated,
        Self::RefreshRefused,
        Self::CallerKeyMade,
        Self::CallerKeyRevoked,
        Self::EntriesLeftOut,
        Self::SteppedUp,
        Self::Refreshed,
        Self::AnsweredAgain,
        Self::ConfigurationLoaded,
        Self::KeysChanged,
    ];

    /// The action of that number; `None` for one of a later version.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|action| *action as u8 == number)
    }
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Outcome {
    /// It was done.
    #[default]
    Done = 1,
    /// It was refused, or failed: the reason says why.
    Failed = 2,
    /// It waits for its user.
    Waiting = 3,
    /// It had been done before, and was answered again.
    Repeated = 4,
    /// Nobody could say: trouble of the store or the authority's own.
    Trouble = 5,
    /// It was done, and too few replicas of the store had it in time: a failover may undo it.
    Unreplicated = 6,
}

impl Outcome {
    const ALL: [Self; 6] = [Self::Done, Self::Failed, Self::Waiting, Self::Repeated, Self::Trouble, Self::Unreplicated];

    /// The outcome of that number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| *outcome as u8 == number)
    }
}

/// How long a text of an entry may be, in characters.
const LONGEST: usize = 256;
/// How many of the sessions that ended with one call its entry names: a user has a handful.
const MOST_ENDED: usize = 16;

/// An entry. Every text is bounded, and for people: nothing in it changes a terminal (security.md 110).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When, in the store's time.
    pub at: Timestamp,
    /// What.
    pub action: Action,
    /// What came of it.
    pub outcome: Outcome,
    /// Why it failed: a word of a fixed few, as browsers and the contract have it.
    pub reason: String,
    /// The same in a sentence of ours, which may name the check that was not passed.
    pub detail: String,
    /// What the caller gave as the reason.
    pub note: String,
    /// Who: the caller's name.
    pub caller: String,
    /// Names the call.
    pub request_id: String,
    /// From where: the client's address, or the network that it is in, where a browser's request came along.
    pub client: String,
    /// The session, if it was about one; of what a user did, the one that they did it with.
    pub session: Option<SessionKey>,
    /// The user, if it was about one. A hash: who it is stands in the user's own record, and goes with it.
    pub user: Option<UserKey>,
    /// The provider's name.
    pub provider: String,
    /// How many sessions ended.
    pub count: u64,
    /// Those of them that were known without a look for them.
    pub ended: Vec<SessionKey>,
    /// The login: the same in all entries of one.
    pub login: Option<LoginId>,
    /// The steps that were begun.
    pub steps: Vec<StepBegun>,
}

impl Entry {
    /// An entry of something that was done.
    #[must_use]
    pub const fn new(action: Action, at: Timestamp) -> Self {
        Self {
            at,
            action,
            outcome: Outcome::Done,
            reason: String::new(),
            detail: String::new(),
            note: String::new(),
            caller: String::new(),
            request_id: String::new(),
            client: String::new(),
            session: None,
            user: None,
            provider: String::new(),
            count: 0,
            ended: Vec::new(),
            login: None,
            steps: Vec::new(),
        }
    }

    /// The same, which ended so many sessions: these, as far as they are known.
    #[must_use]
    pub fn ending(mut self, count: u64, sessions: &[SessionKey]) -> Self {
        self.count = count;
        self.ended = if count == 0 { Vec::new() } else { sessions.iter().copied().take(MOST_ENDED).collect() };
        self
    }

    /// What it can be found by.
    #[must_use]
    pub fn about(&self) -> Vec<About<'_>> {
        let request = Some(self.request_id.as_str()).filter(|id| !id.is_empty());
        let ended = self.ended.iter().copied().filter(|key| self.session != Some(*key));
        let sessions = self.session.into_iter().chain(ended);
        let names = request.map(About::Request).into_iter().chain(self.login.map(About::Login));
        names.chain(sessions.map(About::Session)).chain(self.user.map(About::User)).collect()
    }

    /// Whether it is about this session: one that it names, or ended.
    #[must_use]
    pub fn is_about(&self, session: &SessionKey) -> bool {
        self.session == Some(*session) || self.ended.contains(session)
    }
}

/// Text for people: cut, and without what could change a terminal or a log.
#[must_use]
pub fn readable(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(LONGEST).collect()
}

/// Names a login in its entries: a hash, of which nothing follows.
pub type LoginId = [u8; 8];

/// The name of a login in its entries.
#[must_use]
pub fn login_id(key: &LoginKey) -> LoginId {
    first(&digest("gatelodge audited login", &[&key.tenant.0.to_be_bytes(), &key.id]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::key::TenantNumber;

    fn entry(action: Action) -> Entry {
        Entry::new(action, Timestamp::default())
    }

    #[test]
    fn an_entry_is_found_by_all_that_it_is_about() {
        let user = UserKey::of(TenantNumber(1), "https://idp.example", "ada");
        let session = |id| SessionKey { tenant: TenantNumber(1), partition: user.partition, id: [id; 16] };
        let entry = Entry {
            request_id: "abc".into(),
            session: Some(session(1)),
            user: Some(user),
            ..entry(Action::RevokedByUser)
        };
        let entry = entry.ending(2, &[session(1), session(2)]);
        let expected =
            [About::Request("abc"), About::Session(session(1)), About::Session(session(2)), About::User(user)];
        assert_eq!(entry.about(), expected);
        assert!(entry.is_about(&session(2)) && !entry.is_about(&session(3)));
        let many: Vec<_> = (0..99).map(session).collect();
        assert_eq!(entry.clone().ending(99, &many).ended.len(), MOST_ENDED);
        assert_eq!(entry.ending(0, &many).ended, [], "none of them lived");
    }

    #[test]
    fn numbers_read_back() {
        assert!(Action::ALL.into_iter().all(|action| Action::from_number(action as u8) == Some(action)));
        assert!(Outcome::ALL.into_iter().all(|outcome| Outcome::from_number(outcome as u8) == Some(outcome)));
        assert_eq!((Action::from_number(0), Outcome::from_number(9)), (None, None));
    }

    #[test]
    fn texts_are_cut_and_change_no_terminal() {
        assert_eq!(readable("a\u{1b}[31mb\n"), "a[31mb");
        assert_eq!(readable(&"x".repeat(999)).len(), 256);
    }
}
