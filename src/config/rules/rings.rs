//! Owns the rules for key rings. Does not know the other sections.

use super::Judgement;
use crate::config::moment::Moment;
use crate::config::rings::{Key, Rings};
use crate::config::sessions::Sessions;
use crate::config::well_known::weakness;
use crate::crypto::{Secret, key_id, key_id_text};
use crate::session::key_ring::Ring;
use crate::session::time::Timestamp;

pub(super) fn judge(sessions: &Sessions, development: bool, judgement: &mut Judgement) {
    for (name, keys) in sessions.rings.named() {
        for (at, key) in keys.iter().enumerate() {
            judge_key(&format!("app.sessions.rings.{name}[{at}]"), key, development, judgement);
        }
    }
    for (name, ring) in [("session", sessions.session_ring(None)), ("csrf", sessions.csrf_ring(None))] {
        lasts(name, &ring, judgement);
    }
    if !development {
        apart(sessions, judgement);
    }
}

/// What is signed with the last key would be nobody's from its end on.
fn lasts(name: &str, ring: &Ring, judgement: &mut Judgement) {
    let ends: Vec<_> = ring.keys().iter().filter(|key| key.secret.is_some()).map(|key| key.retire_after).collect();
    if let Some(Some(last)) = ends.iter().max_by_key(|end| end.map_or(u64::MAX, Timestamp::as_millis)) {
        let message = format!(
            "every key has a `retire_after`, the last of them {}: at least one has to be without; `gatelodge rings rotate \
             --ring {name}` adds one",
            Moment::at(*last)
        );
        judgement.fault(format!("app.sessions.rings.{name}"), message);
    }
}

fn judge_key(path: &str, key: &Key, development: bool, judgement: &mut Judgement) {
    let written = key.written_id();
    if key.id.is_some() && written.is_none() {
        judgement.fault(format!("{path}.id"), "expected 8 hex digits; `gatelodge rings list` shows the ids of keys");
    }
    match (key.secret(), written) {
        (None, None) => judgement.fault(format!("{path}.secret"), "missing: `gatelodge rings rotate` makes a key"),
        (None, Some(id)) => {
            let message = format!(
                "the secret of the key {} is missing: until it is back, what it signed or sealed is answered \
                 KEY_UNAVAILABLE; `gatelodge rings check` counts the records",
                key_id_text(id)
            );
            judgement.warn(format!("{path}.secret"), message);
        }
        (Some(secret), written) => {
            if let Some(why) = weakness(secret).filter(|_| !development) {
                judgement
                    .fault(format!("{path}.secret"), format!("{why}; `gatelodge rings rotate` makes a random one"));
            }
            let own = key_id(secret);
            if written.is_some_and(|written| written != own) {
                let message =
                    format!("not the key that `id` names: this secret is that of the key {}", key_id_text(own));
                judgement.fault(format!("{path}.secret"), message);
            }
        }
    }
    if let (Some(from), Some(until)) = (key.active_from, key.retire_after) {
        judgement.check(from < until, &format!("{path}.retire_after"), "must be later than `active_from`");
    }
}

/// A secret of CSRF tokens is no other ring's.
fn apart(sessions: &Sessions, judgement: &mut Judgement) {
    let Rings { csrf, .. } = &sessions.rings;
    let others = sessions.rings.named().into_iter().filter(|(name, _)| *name != "csrf").flat_map(|(_, keys)| keys);
    let others: Vec<&Secret> = others.filter_map(Key::secret).chain(&sessions.signing_secret).collect();
    for (at, key) in csrf.iter().enumerate() {
        if key.secret().is_some_and(|secret| others.contains(&secret)) {
            let message = "is the secret of another ring; CSRF tokens have keys of their own";
            judgement.fault(format!("app.sessions.rings.csrf[{at}].secret"), message);
        }
    }
}
