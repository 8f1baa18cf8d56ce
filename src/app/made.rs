//! Owns what the keys of each ring make, and for how long that may be there once another key is active. Does not know
//! the keys.
//!
//! This is the one table of it: what a lost key takes with it, when a former key may go, and docs/operations.md are
//! read from it. What is signed or hashed for a moment (pages of lists, counters of rates) is not in it.

use std::time::Duration;

use crate::config::Config;
use crate::config::sessions::Fingerprint;

/// Something that the keys of a ring make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Made {
    /// The ring that it has keys of its own in.
    pub ring: &'static str,
    /// What it is.
    pub what: &'static str,
    /// When it is gone.
    pub lasts: Lasts,
    /// Whether the store tells under which key it is.
    pub told: Told,
}

/// When something is gone that a former key has made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lasts {
    /// With its session.
    Session,
    /// With its login.
    Login,
    /// When it is too old to be sent.
    CsrfToken,
    /// When it is not repeated any more.
    Answer,
    /// The same, of a login.
    LoginAnswer,
    /// When it is not kept any more.
    AuditEntry,
    /// It has no end: it is sealed anew.
    SealedAnew,
}

/// Whether the store tells under which key something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// It names its key.
    Yes,
    /// It is a browser's, who has it as long as its session is there, and is of the key that wraps that session's
    /// tokens: unless these are under keys of their own.
    WithSessions,
    /// Nobody can tell, and nobody asks where fingerprints are off.
    NotWhereCompared,
    /// Nobody can tell.
    No,
}

/// The ring whose keys make what has no keys of its own.
const BASE: &str = "session";
/// The only one of which that is not so.
const APART: &str = "csrf";

const fn made(ring: &'static str, what: &'static str, lasts: Lasts, told: Told) -> Made {
    Made { ring, what, lasts, told }
}

/// All of it.
pub const MADE: [Made; 12] = [
    made(BASE, "credentials", Lasts::Session, Told::WithSessions),
    made(BASE, "logins under way", Lasts::Login, Told::No),
    made(APART, "CSRF tokens of pages that are open", Lasts::CsrfToken, Told::No),
    made("sealing", "sessions", Lasts::Session, Told::Yes),
    made("sealing", "users", Lasts::SealedAnew, Told::Yes),
    made("sealing", "logins under way", Lasts::Login, Told::No),
    made("sealing", "API keys made at run time", Lasts::SealedAnew, Told::Yes),
    made("sealing", "entries of the audit", Lasts::AuditEntry, Told::Yes),
    made("fingerprint", "fingerprints of sessions", Lasts::Session, Told::NotWhereCompared),
    made("answers", "answers to idempotency keys", Lasts::Answer, Told::No),
    made("answers", "answers of logins", Lasts::LoginAnswer, Told::No),
    made("minting", "the keys that sign our own tokens", Lasts::SealedAnew, Told::Yes),
];

/// Something may be at work when its time is over, and clocks differ.
pub const MARGIN: Duration = Duration::from_hours(1);
/// What is sealed anew is so within minutes, and after a day also where the store did not answer for long.
const SEALED_ANEW: Duration = Duration::from_hours(24);
/// As long as anything that ends by itself may be kept, whatever the configuration says.
const UNKNOWN: Longest =
    Longest { what: "the longest that any configuration allows", life: Duration::from_hours(400 * 24) };

/// Of all that a ring's keys have made, what is there the longest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Longest {
    /// What it is.
    pub what: &'static str,
    /// For how long.
    pub life: Duration,
}

impl Lasts {
    /// What to call it, and for how long it may be there.
    fn longest(self, config: &Config) -> Longest {
        let sessions = &config.app.sessions;
        let longest = |what, life| Longest { what, life };
        let session = || {
            let remembered = Some(&sessions.remember_me).filter(|remember| remember.enabled);
            sessions.max_age.get().max(remembered.map(|remember| remember.max_age.get()).unwrap_or_default())
        };
        match self {
            Self::Session => longest("the longest session", session()),
            Self::Login => longest("a login under way", sessions.auth_session_ttl_seconds.get()),
            Self::CsrfToken => {
                longest("a CSRF token", Duration::from_hours(u64::from(sessions.csrf_token_max_age_hours)))
            }
            Self::Answer => {
                longest("an answer that is kept to be repeated", config.app.idempotency.keep_answers_for.get())
            }
            Self::LoginAnswer => longest("the answer of a login", sessions.repeat_answer_for.get()),
            Self::AuditEntry => longest("an entry of the audit", config.app.audit.keep_for.get()),
            Self::SealedAnew => longest("what is sealed anew", SEALED_ANEW),
        }
    }
}

/// What the keys of a ring may have made, where nothing has keys of its own.
fn made_in(ring: &str) -> impl Iterator<Item = &'static Made> {
    MADE.iter().filter(move |made| made.ring == ring || (ring == BASE && made.ring != APART))
}

fn the_longest(all: impl Iterator<Item = Longest>) -> Option<Longest> {
    // Of equal ones the first.
    all.reduce(|one, other| if other.life > one.life { other } else { one })
}

/// What is there the longest of what the keys of this ring have made, of any tenant. `None` stands for a configuration
/// that nobody knows.
#[must_use]
pub fn longest(config: Option<&Config>, ring: &str) -> Longest {
    let every = config.into_iter().flat_map(Config::tenancies);
    let of_one = |tenancy: Config| made_in(ring).map(|made| made.lasts.longest(&tenancy)).collect::<Vec<_>>();
    the_longest(every.flat_map(of_one)).unwrap_or(UNKNOWN)
}

/// For how long something may be under a former key of this ring of a tenant that no count of records shows; zero:
/// nothing.
#[must_use]
pub fn longest_untold(config: &Config, ring: &str) -> Duration {
    let is_untold = |made: &&Made| match made.told {
        Told::Yes => false,
        Told::WithSessions => !config.app.sessions.rings.sealing.is_empty(),
        Told::NotWhereCompared => config.app.sessions.security.mode() != Fingerprint::Off,
        Told::No => true,
    };
    let untold = made_in(ring).filter(is_untold).map(|made| made.lasts.longest(config));
    the_longest(untold).map_or(Duration::ZERO, |longest| longest.life + MARGIN)
}

/// What a lost key of this ring takes with it.
#[must_use]
pub fn takes(ring: &str) -> String {
    let named = |made: &Made| made.what;
    let own: Vec<_> = MADE.iter().filter(|made| made.ring == ring).map(named).collect();
    let own = own.join(", ");
    if ring != BASE {
        return own;
    }
    let others: Vec<_> =
        made_in(ring).filter(|made| made.ring != ring && !own.contains(made.what)).map(named).collect();
    format!("{own}; where they have no keys of their own also {}", others.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::period::Period;
    use crate::config::ring_text::NAMES;

    // store.md 2: a key is there for as long as anything that it made.
    #[test]
    fn a_key_is_there_until_the_longest_of_what_it_made_has_ended() {
        let mut config = Config::default();
        let life = |config: &Config, ring| longest(Some(config), ring).life;
        let days = |days: u64| Duration::from_hours(days * 24);
        config.app.audit.keep_for = Period::seconds(90 * 86_400);
        let session = config.app.sessions.max_age.get();
        assert_eq!(["session", "sealing"].map(|ring| life(&config, ring)), [days(90); 2], "the audit");
        assert_eq!((life(&config, "fingerprint"), life(&config, "minting")), (session, days(1)));
        assert_eq!(
            life(&config, "csrf"),
            Duration::from_hours(u64::from(config.app.sessions.csrf_token_max_age_hours))
        );
        config.app.sessions.remember_me.max_age = Period::seconds(200 * 86_400);
        assert_eq!(life(&config, "fingerprint"), session, "it is off");
        config.app.sessions.remember_me.enabled = true;
        assert_eq!(["session", "sealing", "fingerprint"].map(|ring| life(&config, ring)), [days(200); 3]);
        assert_eq!(longest(None, "csrf"), UNKNOWN);
    }

    #[test]
    fn what_no_count_shows_ends_by_itself() {
        let mut config = Config::default();
        let sessions = &mut config.app.sessions;
        sessions.security.fingerprint = Some(Fingerprint::Off);
        let (session, answer) = (sessions.max_age.get(), config.app.idempotency.keep_answers_for.get());
        let untold =
            |config: &Config| ["session", "sealing", "fingerprint", "minting"].map(|ring| longest_untold(config, ring));
        let login = config.app.sessions.auth_session_ttl_seconds.get();
        assert_eq!(untold(&config), [answer + MARGIN, login + MARGIN, Duration::ZERO, Duration::ZERO]);
        config.app.sessions.rings.sealing.push(crate::config::rings::Key::default());
        assert_eq!(untold(&config)[0], session + MARGIN, "nothing tells of a credential's key any more");
        config.app.sessions.rings.sealing.clear();
        config.app.sessions.security.fingerprint = Some(Fingerprint::Strict);
        assert_eq!([0, 2].map(|at| untold(&config)[at]), [session + MARGIN; 2], "nor of a fingerprint's");
    }

    #[test]
    fn the_table_of_the_docs_is_this_one() {
        let docs = include_str!("../../docs/operations.md");
        let (head, line) = ("| ring | what its keys make | gone | counted |", "|---|---|---|---|");
        let gone = |lasts| match lasts {
            Lasts::Session => "with its session (`max_age`, `remember_me.max_age`)",
            Lasts::Login => "`auth_session_ttl_seconds`",
            Lasts::CsrfToken => "`csrf_token_max_age_hours`",
            Lasts::Answer => "`app.idempotency.keep_answers_for`",
            Lasts::LoginAnswer => "`repeat_answer_for`",
            Lasts::AuditEntry => "`app.audit.keep_for`",
            Lasts::SealedAnew => "never: sealed anew",
        };
        let counted = |told| match told {
            Told::Yes => "yes",
            Told::WithSessions => "with sessions, unless `sealing` has keys of its own",
            Told::NotWhereCompared => "no, and not needed where fingerprints are off",
            Told::No => "no",
        };
        let row = |made: &Made| {
            format!("| `{}` | {} | {} | {} |", made.ring, made.what, gone(made.lasts), counted(made.told))
        };
        let expected: Vec<_> = [head.to_owned(), line.to_owned()].into_iter().chain(MADE.iter().map(row)).collect();
        let found: Vec<_> = docs.lines().skip_while(|one| *one != head).take_while(|one| !one.is_empty()).collect();
        assert_eq!(found, expected, "it has to be:\n{}", expected.join("\n"));
        assert!(NAMES.iter().all(|name| MADE.iter().any(|made| made.ring == *name)), "each ring makes something");
    }
}
