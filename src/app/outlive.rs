//! Owns for how long what was made with the key of a ring may be there once another key is active. Does not know the keys.
//!
//! What has no end, or may have a late one, is not among it: users, API keys that were made at run time, and mint keys are sealed
//! anew as soon as another key is active.

use std::time::Duration;

use crate::config::Config;

/// Of all that a ring's keys have made, what is there the longest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Longest {
    /// What it is.
    pub what: &'static str,
    /// For how long.
    pub life: Duration,
}

/// What is sealed anew is so within minutes, and after a day also where the store did not answer for long.
const SEALED_ANEW: Duration = Duration::from_hours(24);
/// As long as anything that ends by itself may be kept, whatever the configuration says.
const UNKNOWN: Longest =
    Longest { what: "the longest that any configuration allows", life: Duration::from_hours(400 * 24) };

/// What is there the longest of what the keys of this ring have made, of any tenant. `None` stands for a configuration that
/// nobody knows.
#[must_use]
pub fn longest(config: Option<&Config>, ring: &str) -> Longest {
    let every = config.into_iter().flat_map(Config::tenancies);
    every.map(|tenancy| of_one(&tenancy, ring)).max_by_key(|longest| longest.life).unwrap_or(UNKNOWN)
}

fn of_one(config: &Config, ring: &str) -> Longest {
    let sessions = &config.app.sessions;
    let longest = |what, life| Longest { what, life };
    let anew = longest("what is sealed anew", SEALED_ANEW);
    let remembered =
        Some(&sessions.remember_me).filter(|remember| remember.enabled).map(|remember| remember.max_age.get());
    let session = longest("the longest session", sessions.max_age.get().max(remembered.unwrap_or_default()));
    let login = longest("a login under way", sessions.auth_session_ttl_seconds.get());
    let answer = longest("an answer that is kept to be repeated", config.app.idempotency.keep_answers_for.get());
    let repeated = longest("the answer of a login", sessions.repeat_answer_for.get());
    let entry = longest("an entry of the audit", config.app.audit.keep_for.get());
    let hours = u64::from(sessions.csrf_token_max_age_hours);
    let csrf = longest("a CSRF token", Duration::from_secs(hours * 3600));
    let made: &[Longest] = match ring {
        "csrf" => &[csrf],
        "sealing" => &[session, login, entry, anew],
        "fingerprint" => &[session],
        "answers" => &[answer, repeated],
        "minting" => &[anew],
        // Of all that has no keys of its own.
        _ => &[session, login, answer, repeated, entry, anew],
    };
    made.iter().copied().max_by_key(|longest| longest.life).unwrap_or(UNKNOWN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::period::Period;

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
}
