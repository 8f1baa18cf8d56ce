//! Owns the rules for how Redis is reached. Does not know the other sections.

use super::Judgement;
use crate::config::store::{Redis, RedisUrl};

pub(super) fn judge(redis: &Redis, judgement: &mut Judgement) {
    if redis.sentinel.master.is_some() {
        sentinel(redis, judgement);
    } else {
        judgement.check(!redis.urls.is_empty(), "store.redis.urls", "needs at least one address");
        if redis.urls.len() > 1 && !redis.cluster {
            let message = "several addresses are for a cluster, `cluster: true`; sentinels stand in `sentinel.urls`";
            judgement.fault("store.redis.urls", message);
        }
        let message = "the sentinels have a name for the primary (`sentinel monitor NAME ...`): give it here";
        judgement.check(redis.sentinel.urls.is_empty(), "store.redis.sentinel.master", message);
    }
    tls(redis, judgement);
    let plain = |sign: char| sign.is_ascii_alphanumeric() || matches!(sign, '-' | '_' | '.' | ':');
    if redis.key_prefix.is_empty() || redis.key_prefix.len() > 64 || !redis.key_prefix.chars().all(plain) {
        judgement.fault("store.redis.key_prefix", "1 to 64 letters, digits and `-_.:` (braces would move the keys)");
    }
    let periods = [
        (redis.connect_timeout, "store.redis.connect_timeout"),
        (redis.command_timeout, "store.redis.command_timeout"),
        (redis.wait_timeout, "store.redis.wait_timeout"),
    ];
    for (period, key) in periods {
        judgement.check(!period.is_zero(), key, "must be longer than nothing");
    }
    let longest = crate::config::period::Period::seconds(10);
    judgement.check(
        redis.wait_timeout <= longest,
        "store.redis.wait_timeout",
        "at most 10 seconds: callers wait for it",
    );
    let names = [
        (&redis.username, &redis.password, "store.redis.username"),
        (&redis.sentinel.username, &redis.sentinel.password, "store.redis.sentinel.username"),
    ];
    for (name, password, key) in names {
        if name.is_some() && password.is_none() {
            judgement.fault(key, "a user name needs a password: `password` or `password_file`");
        }
    }
    if redis.allow_eviction {
        judgement.warn("store.redis.allow_eviction", "when Redis runs full it may throw sessions away");
    }
}

fn sentinel(redis: &Redis, judgement: &mut Judgement) {
    let sentinel = &redis.sentinel;
    let named = sentinel.master.as_deref().is_some_and(|name| !name.is_empty());
    judgement.check(named, "store.redis.sentinel.master", "must name what the sentinels watch");
    judgement.check(!sentinel.urls.is_empty(), "store.redis.sentinel.urls", "needs at least one sentinel");
    judgement.check(!redis.cluster, "store.redis.cluster", "a cluster fails over by itself; leave out `sentinel`");
    if !redis.urls.is_empty() && redis.urls != Redis::default().urls {
        let message = "the sentinels say where the primary is; leave out `urls`, or `sentinel.master`";
        judgement.fault("store.redis.urls", message);
    }
    if sentinel.urls.iter().any(RedisUrl::has_database) {
        let message = "a sentinel has no databases; the one at the primary is `sentinel.database`";
        judgement.fault("store.redis.sentinel.urls", message);
    }
}

fn tls(redis: &Redis, judgement: &mut Judgement) {
    let tls = &redis.tls;
    if tls.cert_file.is_some() != tls.key_file.is_some() {
        let message = "a certificate and its key go together: give `cert_file` and `key_file`";
        judgement.fault("store.redis.tls", message);
    }
    let (urls, key) = match redis.sentinel.master {
        Some(_) => (&redis.sentinel.urls, "store.redis.sentinel.urls"),
        None => (&redis.urls, "store.redis.urls"),
    };
    let with = urls.iter().filter(|url| url.is_tls()).count();
    if with > 0 && with < urls.len() {
        judgement.fault(key, "either all addresses are rediss:// or none");
    }
    if with == 0 && !urls.is_empty() && (tls.ca_file.is_some() || tls.cert_file.is_some()) {
        judgement.fault(key, "`store.redis.tls` is for addresses with rediss://");
    }
}
