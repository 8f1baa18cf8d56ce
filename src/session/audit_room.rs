//! Owns what room an audit entry takes wherever there is a bound: by who can cause it, and how often. Does not know the bounds,
//! nor what else an entry says.

use super::audit::{Action, Entry, Outcome};

/// Who causes an entry. Each kind has room of its own wherever there is a bound, so that none takes it from another: what
/// strangers do displaces nothing of users, and what users do nothing of admins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum Room {
    /// Anybody can cause it, as often as they like, without anything of ours: what is refused at the door, and repeats.
    Anybodys = 1,
    /// A login that began: as many as rates and capacity let through.
    Begun = 2,
    /// What became of a login that was under way, before it was known whose it is: once for each that began.
    Returned = 3,
    /// Somebody whom a provider knows, or that provider.
    Users = 4,
    /// An admin, or the authority itself.
    Admins = 5,
}

impl Room {
    /// All of them, in their places.
    pub const ALL: [Self; 5] = [Self::Anybodys, Self::Begun, Self::Returned, Self::Users, Self::Admins];
    /// How many there are.
    pub const COUNT: usize = Self::ALL.len();

    /// Its place among them.
    #[must_use]
    pub const fn place(self) -> usize {
        self as usize - 1
    }

    /// Whether an hour has a bounded number of entries in it: of what can be caused without a session, a key, or a provider
    /// that knows whoever does it.
    #[must_use]
    pub const fn is_bounded(self) -> bool {
        matches!(self, Self::Anybodys | Self::Begun | Self::Returned)
    }
}

impl Entry {
    /// The room that it takes.
    #[must_use]
    pub fn room(&self) -> Room {
        match self.action {
            Action::LoginBegun if self.outcome == Outcome::Done => Room::Begun,
            Action::LoginBegun | Action::AnsweredAgain => Room::Anybodys,
            Action::LoginCompleted | Action::SteppedUp if self.outcome == Outcome::Repeated => Room::Anybodys,
            Action::LoginCompleted | Action::SteppedUp if self.user.is_some() => Room::Users,
            // Whose login it is at is known of one that was taken, and each is taken once.
            Action::LoginCompleted | Action::SteppedUp if self.provider.is_empty() => Room::Anybodys,
            Action::LoginCompleted | Action::SteppedUp => Room::Returned,
            Action::RevokedByUser | Action::BackchannelLogout | Action::FrontchannelLogout if self.count == 0 => {
                Room::Anybodys
            }
            Action::LoggedOut
            | Action::BackchannelLogout
            | Action::FrontchannelLogout
            | Action::RevokedByUser
            | Action::Theft
            | Action::OtherClient
            | Action::TokenMinted
            | Action::TokenExchanged
            | Action::Rotated
            | Action::Refreshed
            | Action::RefreshRefused => Room::Users,
            Action::RevokedByAdmin
            | Action::UserDisabled
            | Action::UserEnabled
            | Action::UserDeleted
            | Action::CallerKeyMade
            | Action::CallerKeyRevoked
            | Action::EntriesLeftOut
            | Action::ConfigurationLoaded
            | Action::KeysChanged => Room::Admins,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::key::{TenantNumber, UserKey};
    use crate::session::time::Timestamp;

    fn entry(action: Action) -> Entry {
        Entry::new(action, Timestamp::default())
    }

    // security.md 108: a flood of one kind takes no room from another.
    #[test]
    fn what_can_be_caused_without_a_session_has_room_by_what_it_costs() {
        let failed = |entry| Entry { outcome: Outcome::Failed, ..entry };
        let began = || entry(Action::LoginBegun);
        let back = || entry(Action::LoginCompleted);
        assert_eq!((began().room(), failed(began()).room()), (Room::Begun, Room::Anybodys));
        let taken = || Entry { provider: "idp".into(), ..back() };
        assert_eq!((failed(back()).room(), failed(taken()).room()), (Room::Anybodys, Room::Returned));
        let known = || Entry { user: Some(UserKey::of(TenantNumber(1), "https://idp.example", "ada")), ..taken() };
        assert_eq!((known().room(), failed(known()).room()), (Room::Users, Room::Users));
        assert_eq!(Entry { outcome: Outcome::Repeated, ..known() }.room(), Room::Anybodys);
        assert_eq!(Entry { action: Action::SteppedUp, ..known() }.room(), Room::Users);
        assert_eq!(Entry { action: Action::SteppedUp, ..taken() }.room(), Room::Returned);
        assert_eq!(entry(Action::FrontchannelLogout).room(), Room::Anybodys);
        assert_eq!(entry(Action::FrontchannelLogout).ending(1, &[]).room(), Room::Users);
        assert_eq!((entry(Action::Theft).room(), entry(Action::RevokedByAdmin).room()), (Room::Users, Room::Admins));
        assert_eq!(Room::ALL.map(Room::is_bounded), [true, true, true, false, false]);
        assert_eq!(Room::ALL.map(Room::place), [0, 1, 2, 3, 4]);
    }
}
