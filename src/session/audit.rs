//! Owns what an audit entry says: who did what, when, from where, about which session, and what came of it. Holds no token,
//! no credential, and nothing that a provider wrote. Does not know when one is written, or where it is kept.

use super::audit_id::first;
pub use super::audit_id::{EntryId, EntryName};
use super::key::{LoginKey, SessionKey, TenantNumber, UserKey};
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
}

impl Action {
    /// Every action, in the order of their numbers.
    pub const ALL: [Self; 18] = [
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
}

impl Outcome {
    const ALL: [Self; 5] = [Self::Done, Self::Failed, Self::Waiting, Self::Repeated, Self::Trouble];

    /// The outcome of that number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| *outcome as u8 == number)
    }
}

/// A step of a login, in the order in which they are taken. Each is begun; the next one says that it was passed, and the end
/// of the login that the last one was, or failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Step {
    /// The request is read, and what it asks for allowed.
    Request = 1,
    /// Limits of rates, and of what the tenant may have at once.
    Limits = 2,
    /// The provider's address is made, by its metadata.
    ProviderAddress = 3,
    /// The login is kept.
    LoginKept = 4,
    /// The callback is read: its state and binding are ours.
    Callback = 5,
    /// The login is found, of this browser and not yet completed.
    LoginFound = 6,
    /// What the provider sent along: an error, its issuer, the way that it came.
    ProviderAnswer = 7,
    /// The provider's metadata is had.
    Metadata = 8,
    /// The `iss` of what the provider sent along is its own (RFC 9207).
    ResponseIssuer = 14,
    /// The code is sent to the token endpoint, and its answer read.
    CodeRedeemed = 9,
    /// The ID token is checked.
    IdToken = 10,
    /// The userinfo, or a profile in its place, is asked for and checked.
    UserInfo = 11,
    /// The identity is held against what was asked of the login.
    Requirements = 12,
    /// The session is made, or stepped up.
    Session = 13,
}

impl Step {
    const ALL: [Self; 14] = [
        Self::Request,
        Self::Limits,
        Self::ProviderAddress,
        Self::LoginKept,
        Self::Callback,
        Self::LoginFound,
        Self::ProviderAnswer,
        Self::Metadata,
        Self::ResponseIssuer,
        Self::CodeRedeemed,
        Self::IdToken,
        Self::UserInfo,
        Self::Requirements,
        Self::Session,
    ];

    /// The step of that number.
    #[must_use]
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|step| *step as u8 == number)
    }

    /// Its name, as answers have it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Limits => "limits",
            Self::ProviderAddress => "provider_address",
            Self::LoginKept => "login_kept",
            Self::Callback => "callback",
            Self::LoginFound => "login_found",
            Self::ProviderAnswer => "provider_answer",
            Self::Metadata => "provider_metadata",
            Self::ResponseIssuer => "response_issuer",
            Self::CodeRedeemed => "code_redeemed",
            Self::IdToken => "id_token",
            Self::UserInfo => "user_info",
            Self::Requirements => "requirements",
            Self::Session => "session",
        }
    }
}

/// A step that was begun, and when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepBegun {
    /// Which one.
    pub step: Step,
    /// When, in the store's time.
    pub at: Timestamp,
}

/// How long a text of an entry may be, in characters.
const LONGEST: usize = 256;

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
    /// The session, if it was about one.
    pub session: Option<SessionKey>,
    /// The user, if it was about one. A hash: who it is stands in the user's own record, and goes with it.
    pub user: Option<UserKey>,
    /// The provider's name.
    pub provider: String,
    /// How many sessions ended.
    pub count: u64,
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
            login: None,
            steps: Vec::new(),
        }
    }

    /// What it can be found by.
    #[must_use]
    pub fn names(&self, tenant: TenantNumber) -> Vec<EntryName> {
        let request = Some(self.request_id.as_str()).filter(|id| !id.is_empty());
        let names = [
            request.map(|id| EntryName::request(tenant, id)),
            self.login.map(|login| EntryName::login(tenant, login)),
            self.session.map(|session| EntryName::session(&session)),
            self.user.map(|user| EntryName::user(&user)),
        ];
        names.into_iter().flatten().collect()
    }

    /// Whether anybody can cause it, as often as they like, without a session, a key or a provider that knows them. Of those
    /// a bounded number is kept.
    #[must_use]
    pub fn is_anybodys(&self) -> bool {
        match self.action {
            Action::LoginBegun => true,
            Action::LoginCompleted => self.user.is_none() || self.outcome == Outcome::Repeated,
            Action::RevokedByUser | Action::BackchannelLogout | Action::FrontchannelLogout => self.count == 0,
            _ => false,
        }
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

    const ONE: TenantNumber = TenantNumber(1);

    #[test]
    fn an_entry_is_found_by_names_that_are_its_tenants_own() {
        assert_ne!(EntryName::request(ONE, "abc"), EntryName::request(TenantNumber(2), "abc"));
        let user = UserKey::of(ONE, "https://idp.example", "ada");
        let entry =
            Entry { request_id: "abc".into(), user: Some(user), ..Entry::new(Action::Theft, Timestamp::default()) };
        assert_eq!(entry.names(ONE), [EntryName::request(ONE, "abc"), EntryName::user(&user)]);
    }

    #[test]
    fn numbers_read_back() {
        assert!(Action::ALL.into_iter().all(|action| Action::from_number(action as u8) == Some(action)));
        assert!(Outcome::ALL.into_iter().all(|outcome| Outcome::from_number(outcome as u8) == Some(outcome)));
        assert!(Step::ALL.into_iter().all(|step| Step::from_number(step as u8) == Some(step)));
        assert_eq!((Action::from_number(0), Outcome::from_number(9), Step::from_number(99)), (None, None, None));
    }

    #[test]
    fn texts_are_cut_and_change_no_terminal() {
        assert_eq!(readable("a\u{1b}[31mb\n"), "a[31mb");
        assert_eq!(readable(&"x".repeat(999)).len(), 256);
    }
}
