//! Where a foreign type stops: the rooms that may name a crate. Does not know the rooms' own arrows; `arrows` does.

use super::names::names;
use super::tree::{Tree, within};

/// Crates, and the only places in `src/` that may name them.
const DOORS: &[(&[&str], &[&str])] = &[
    (
        &["tonic", "tonic_prost", "tonic_types", "tonic_health", "tonic_reflection", "prost", "prost_types"],
        // A collector is spoken to over gRPC too.
        &["src/rpc", "src/app", "src/telemetry"],
    ),
    (
        &[
            "opentelemetry",
            "opentelemetry_sdk",
            "opentelemetry_otlp",
            "opentelemetry_prometheus",
            "prometheus",
            "tracing_opentelemetry",
        ],
        &["src/telemetry"],
    ),
    (&["openidconnect"], &["src/providers/oidc"]),
    (&["reqwest"], &["src/providers"]),
    (&["redis", "bb8", "bb8_redis"], &["src/store/redis"]),
    (&["redb"], &["src/store/embedded"]),
    (&["axum"], &["src/dev", "src/app", "src/telemetry"]),
    // The development provider signs ID tokens as a real one does.
    (&["aws_lc_rs"], &["src/crypto", "src/dev"]),
    (&["hmac", "sha2", "hkdf"], &["src/crypto"]),
    (&["gatelodge_client"], &["src/app", "src/dev", "src/cli"]),
];

/// Rooms with no runtime of their own: what they do can be run in a test without one.
const WITHOUT_RUNTIME: &[&str] = &["src/crypto", "src/session", "src/vault", "src/authority"];
const RUNTIME: &[&str] = &["tokio", "tokio_stream", "tokio_util", "async_std", "smol"];

/// Every place where a foreign crate is named outside its door.
pub fn breaches(tree: &Tree) -> Vec<String> {
    tree.rust().filter(|(file, _)| file.starts_with("src/")).flat_map(|(file, text)| in_file(file, text)).collect()
}

fn in_file(file: &str, text: &str) -> Vec<String> {
    let without_runtime = WITHOUT_RUNTIME.iter().any(|room| within(file, room));
    let mut found = Vec::new();
    for name in names(file, text) {
        let krate = name.path[0].as_str();
        // A module of the same name hides the crate.
        if text.contains(&format!("mod {krate};")) {
            continue;
        }
        let doors = DOORS.iter().find(|(crates, _)| crates.contains(&krate)).map(|(_, doors)| *doors);
        if doors.is_some_and(|doors| !doors.iter().any(|door| within(file, door))) {
            found.push(format!("{file}: {krate} stops at {}", doors.unwrap_or_default().join(", ")));
        }
        if without_runtime && !name.in_tests && RUNTIME.contains(&krate) {
            found.push(format!("{file}: {krate} is a runtime, and this room has none"));
        }
    }
    found.dedup();
    found
}

#[cfg(test)]
mod tests {
    use super::super::{none, one};
    use super::*;

    #[test]
    fn a_foreign_type_past_its_door_is_found() {
        for (crates, _) in DOORS {
            for krate in *crates {
                one(&breaches(&Tree::of(&[("src/session/a.rs", &format!("fn f(x: {krate}::X) {{}}"))])), krate);
            }
        }
        one(&breaches(&Tree::of(&[("src/store/mod.rs", "use redis::Client;")])), "stops at src/store/redis");
        one(&breaches(&Tree::of(&[("src/providers/github.rs", "use openidconnect::Nonce;")])), "src/providers/oidc");
    }

    #[test]
    fn a_runtime_in_the_core_is_found() {
        for room in WITHOUT_RUNTIME {
            one(&breaches(&Tree::of(&[(&format!("{room}/a.rs"), "use tokio::time;")])), "this room has none");
        }
        none(&breaches(&Tree::of(&[("src/authority/a.rs", "#[cfg(test)] mod tests { #[tokio::test] fn t() {} }")])));
    }

    #[test]
    fn what_stands_at_its_door_is_free() {
        none(&breaches(&Tree::of(&[
            ("src/store/redis/script.rs", "use redis::Script;"),
            ("src/store/mod.rs", "pub mod redis; pub use redis::RedisStore;"),
            ("src/providers/oidc.rs", "use openidconnect::Nonce; use reqwest::Url;"),
        ])));
    }
}
