//! Owns the rules for sessions, their cookies and secrets. Does not know the other sections.

use super::Judgement;
use crate::config::Config;
use crate::config::period::Period;
use crate::config::sessions::{Cookie, Fingerprint, Rotation, Security, Sessions};
use crate::config::well_known::weakness;
use crate::crypto::Secret;

const LONGEST_LOGIN: Period = Period::seconds(3600);
/// Browsers keep no cookie for longer than 400 days.
const LONGEST_SESSION: Period = Period::seconds(400 * 86_400);

pub(super) fn judge(config: &Config, judgement: &mut Judgement) {
    let sessions = &config.app.sessions;
    times(sessions, judgement);
    cookies(&sessions.cookie, judgement);
    let header = &sessions.csrf_header;
    judgement.check(is_token(header), "app.sessions.csrf_header", "not the name of a header");
    let most = sessions.max_sessions_per_user;
    judgement.check((1..=10_000).contains(&most), "app.sessions.max_sessions_per_user", "from 1 to 10000");
    let logins = sessions.max_logins_under_way;
    judgement.check(logins <= 10_000_000, "app.sessions.max_logins_under_way", "at most 10000000; 0: no limit");
    let fits = sessions.limit.max <= most;
    judgement.check(fits, "app.sessions.limit.max", "at most `app.sessions.max_sessions_per_user`; 0: no limit");
    let attributes = &sessions.attributes;
    let path = "app.sessions.attributes";
    judgement.check(attributes.max_bytes <= 65_536, &format!("{path}.max_bytes"), "at most 65536");
    judgement.check(attributes.max_count <= 256, &format!("{path}.max_count"), "at most 256");
    remembered(sessions, judgement);
    rotation(sessions, judgement);
    security(&sessions.security, judgement);
    secrets(sessions, config.development, judgement);
}

fn times(sessions: &Sessions, judgement: &mut Judgement) {
    let zero = "must be longer than nothing";
    judgement.check(!sessions.max_age.is_zero(), "app.sessions.max_age", zero);
    judgement.check(sessions.max_age <= LONGEST_SESSION, "app.sessions.max_age", "at most 400 days");
    judgement.check(!sessions.idle().is_zero(), "app.sessions.idle_timeout", zero);
    let idle_fits = sessions.idle() <= sessions.max_age;
    judgement.check(idle_fits, "app.sessions.idle_timeout", "at most `max_age`: the session ends then anyway");
    let touch_fits = sessions.touch_interval <= sessions.idle();
    judgement.check(touch_fits, "app.sessions.touch_interval", "at most the idle limit, else use is never noticed");
    let login = sessions.auth_session_ttl_seconds;
    judgement.check(
        !login.is_zero() && login <= LONGEST_LOGIN,
        "app.sessions.auth_session_ttl_seconds",
        "from 1 second to 1 hour",
    );
    judgement.check(sessions.csrf_token_max_age_hours > 0, "app.sessions.csrf_token_max_age_hours", "at least 1");
    judgement.check(
        sessions.repeat_answer_for <= login,
        "app.sessions.repeat_answer_for",
        "at most what a login may take",
    );
}

fn remembered(sessions: &Sessions, judgement: &mut Judgement) {
    let remember = &sessions.remember_me;
    let (max_age, idle) = ("app.sessions.remember_me.max_age", "app.sessions.remember_me.idle_timeout");
    judgement.check(remember.max_age <= LONGEST_SESSION, max_age, "at most 400 days");
    let longer = !remember.enabled || remember.max_age >= sessions.max_age;
    judgement.check(longer, max_age, "at least `app.sessions.max_age`: who is remembered is not forgotten sooner");
    judgement.check(!remember.idle_timeout.is_zero(), idle, "must be longer than nothing");
    judgement.check(remember.idle_timeout <= remember.max_age, idle, "at most `max_age`: the session ends then anyway");
    let noticed = sessions.touch_interval <= remember.idle_timeout;
    judgement.check(noticed, idle, "at least `app.sessions.touch_interval`, else use is never noticed");
}

/// Less would replace the credential in every other answer, and log out whoever is slow.
const SHORTEST_ROTATION: Period = Period::seconds(60);
const LONGEST_GRACE: Period = Period::seconds(600);

fn rotation(sessions: &Sessions, judgement: &mut Judgement) {
    let Rotation { after, grace } = &sessions.rotation;
    let path = "app.sessions.rotation.after";
    judgement.check(after.is_zero() || *after >= SHORTEST_ROTATION, path, "0 (never), or at least 1 minute");
    judgement.check(after.is_zero() || *after > *grace, path, "longer than `grace`");
    let path = "app.sessions.rotation.grace";
    let fits = (Period::seconds(1)..=LONGEST_GRACE).contains(grace);
    judgement.check(fits, path, "from 1 second to 10 minutes: requests under way have to arrive in it");
}

fn security(security: &Security, judgement: &mut Judgement) {
    let by_booleans = security.fingerprint.is_none();
    if by_booleans && security.strict_fingerprinting && !security.enable_client_fingerprinting {
        let message = "has no effect while `enable_client_fingerprinting` is false";
        judgement.warn("app.sessions.security.strict_fingerprinting", message);
    }
    if security.fingerprint_ip_address && security.mode() == Fingerprint::Off {
        judgement.warn("app.sessions.security.fingerprint_ip_address", "has no effect while fingerprints are off");
    }
    judgement.check((8..=32).contains(&security.ipv4_prefix), "app.sessions.security.ipv4_prefix", "from 8 to 32");
    judgement.check((16..=128).contains(&security.ipv6_prefix), "app.sessions.security.ipv6_prefix", "from 16 to 128");
}

fn cookies(cookie: &Cookie, judgement: &mut Judgement) {
    for (key, name) in [("name", &cookie.name), ("binding_name", &cookie.binding_name)] {
        let path = format!("app.sessions.cookie.{key}");
        let prefixed =
            name.to_ascii_lowercase().starts_with("__host-") || name.to_ascii_lowercase().starts_with("__secure-");
        if prefixed {
            judgement.fault(path, "without prefix: `__Host-` is added under https");
        } else if !is_token(name) {
            judgement.fault(path, "not the name of a cookie: letters, digits and `-_.`");
        }
    }
    for (at, name) in cookie.former_names.iter().enumerate() {
        let path = format!("app.sessions.cookie.former_names[{at}]");
        judgement.check(is_token(name), &path, "not the name of a cookie: letters, digits and `-_.`");
        judgement.check(*name != cookie.binding_name, &path, "is the name of the binding cookie");
    }
    let apart = cookie.name != cookie.binding_name;
    judgement.check(apart, "app.sessions.cookie.binding_name", "must differ from the session cookie's name");
}

fn secrets(sessions: &Sessions, development: bool, judgement: &mut Judgement) {
    let named = [
        ("signing_secret", "SESSION_SIGNING_SECRET", &sessions.signing_secret, &sessions.rings.session),
        ("csrf_signing_secret", "CSRF_SIGNING_SECRET", &sessions.csrf_signing_secret, &sessions.rings.csrf),
    ];
    let remedy = "`gatelodge config init` makes a random one";
    for (key, variable, secret, ring) in named {
        let path = format!("app.sessions.{key}");
        let found = secret.as_ref().map_or(Some("missing"), weakness);
        match found {
            Some("missing") if ring.iter().any(|key| key.secret().is_some()) => {}
            Some("missing") if development => {
                judgement.warn(path, format!("missing: one that everybody knows is used; set {variable}"));
            }
            Some("missing") => {
                judgement.fault(path, format!("missing: set {variable}, `{key}` or `{key}_file`; {remedy}"));
            }
            Some(why) if development => judgement.warn(path, format!("{why}; refused outside development")),
            Some(why) => judgement.fault(path, format!("{why}; {remedy}")),
            None => {}
        }
    }
    if sessions.signing_secret.is_some() && sessions.signing_secret == sessions.csrf_signing_secret && !development {
        judgement.fault("app.sessions.csrf_signing_secret", "must differ from `signing_secret`");
    }
    former("former_signing_secrets", &sessions.former_signing_secrets, development, judgement);
    former("former_csrf_signing_secrets", &sessions.former_csrf_signing_secrets, development, judgement);
}

/// A former secret still lets credentials in, so it must be as good as a present one.
fn former(key: &str, secrets: &[Secret], development: bool, judgement: &mut Judgement) {
    for (at, secret) in secrets.iter().enumerate().filter(|_| !development) {
        if let Some(why) = weakness(secret) {
            judgement.fault(format!("app.sessions.{key}[{at}]"), why);
        }
    }
}

/// Whether a text can be the name of a cookie or header (RFC 9110, 5.6.2), in signs that every framework reads alike.
pub(super) fn is_token(text: &str) -> bool {
    let plain = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '-' | '_' | '.');
    !text.is_empty() && text.len() <= 64 && text.chars().all(plain)
}
