//! Owns the rules for server, store, callers and log. Does not know the other sections.

use std::collections::BTreeSet;

use super::{Judgement, redis_store};
use crate::authority::settings::Limits;
use crate::config::Config;
use crate::config::log::is_level;
use crate::config::server::Server;
use crate::config::store::{Kind, Store};

pub(super) fn judge(config: &Config, judgement: &mut Judgement) {
    server(&config.server, judgement);
    store(&config.store, judgement);
    callers(config, judgement);
    if config.callers.is_empty() {
        judgement.warn("callers", "nobody may call; `gatelodge keys generate` makes a key");
    }
    let message =
        "expected off, error, warn, info, debug or trace, or directives such as `info,gatelodge::store=debug`";
    judgement.check(is_level(&config.log.level), "log.level", message);
}

fn server(server: &Server, judgement: &mut Judgement) {
    let tls = &server.tls;
    if tls.cert_file.is_some() != tls.key_file.is_some() {
        judgement.fault("server.tls", "a certificate and its key go together: give `cert_file` and `key_file`");
    }
    if tls.client_ca_file.is_some() && tls.cert_file.is_none() {
        judgement.fault("server.tls.client_ca_file", "client certificates need TLS: give `cert_file` and `key_file`");
    }
    if tls.client_crl_file.is_some() && tls.client_ca_file.is_none() {
        judgement.fault("server.tls.client_crl_file", "client certificates are not asked for: give `client_ca_file`");
    }
    // security.md 101
    if tls.cert_file.is_none() && !server.listen.ip().is_loopback() && !server.allow_plaintext {
        let message = "other machines can reach this address, and there is no TLS; give `server.tls`, or set \
                       `server.allow_plaintext: true` behind a mesh or proxy that adds it";
        judgement.fault("server.listen", message);
    }
    if !server.grpc_web.enabled && !server.grpc_web.allowed_origins.is_empty() {
        judgement.warn("server.grpc_web.allowed_origins", "they do nothing without `enabled: true`");
    }
    judgement.check(server.limits.max_in_flight > 0, "server.limits.max_in_flight", "must be at least 1");
    let least = Limits::default().message_bytes();
    if server.limits.max_message_bytes < least {
        let message = format!("must be at least {least}: so much of a browser's request an edge may pass on");
        judgement.fault("server.limits.max_message_bytes", message);
    }
    judgement.check(!server.max_connection_age.is_zero(), "server.max_connection_age", "must be longer than nothing");
}

fn callers(config: &Config, judgement: &mut Judgement) {
    let mut taken = BTreeSet::new();
    for (at, caller) in config.callers.iter().enumerate() {
        if caller.key_hash.is_none() && caller.identities.is_empty() {
            let message = "nobody can be it: give `key_hash` (`gatelodge keys generate` makes one), or `identities`";
            judgement.fault(format!("callers[{at}]"), message);
        }
        if !caller.identities.is_empty() && config.server.tls.client_ca_file.is_none() {
            let message = "client certificates are not asked for: give `server.tls.client_ca_file`";
            judgement.fault(format!("callers[{at}].identities"), message);
        }
        for (place, identity) in caller.identities.iter().enumerate() {
            if !taken.insert(identity) {
                let message = "no two callers share a certificate's name, and none has it twice";
                judgement.fault(format!("callers[{at}].identities[{place}]"), message);
            }
        }
    }
}

fn store(store: &Store, judgement: &mut Judgement) {
    match store.kind {
        Kind::Embedded => {
            let named = !store.embedded.path.as_os_str().is_empty();
            judgement.check(named, "store.embedded.path", "must name a file");
        }
        Kind::Redis => redis_store::judge(&store.redis, judgement),
    }
}
