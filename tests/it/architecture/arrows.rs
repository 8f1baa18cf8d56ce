//! Who may name whom: the arrows of the map in `src/lib.rs`. Does not know foreign crates; `doors` does.

use super::names::names;
use super::tree::Tree;

const CORE: &[&str] = &["crypto", "session", "vault", "authority"];
const ADAPTERS: &[&str] = &["rpc", "providers", "store"];
const READERS: &[&str] = &["config", "telemetry"];

/// Every room, and the rooms that it may name. A new room needs its line here, and its place in the map.
const ROOMS: &[(&str, &[&[&str]])] = &[
    ("crypto", &[]),
    ("session", &[&["crypto"]]),
    ("vault", &[&["crypto", "session"]]),
    ("authority", &[&["crypto", "session", "vault"]]),
    ("rpc", &[CORE]),
    ("providers", &[CORE]),
    ("store", &[CORE]),
    // What a setting means is said by the core; who uses it is not known.
    ("config", &[&["crypto", "session", "authority"]]),
    // What it sees is said by the core.
    ("telemetry", &[CORE, &["config"]]),
    ("app", &[CORE, ADAPTERS, READERS]),
    ("dev", &[CORE, ADAPTERS, READERS, &["app"]]),
    ("cli", &[CORE, ADAPTERS, READERS, &["app", "dev"]]),
];

/// Every place where a file names a room that its own may not.
pub fn breaches(tree: &Tree) -> Vec<String> {
    tree.rust().filter_map(|(file, text)| Some((file, room_of(file)?, text))).flat_map(in_file).collect()
}

fn in_file((file, room, text): (&str, &str, &str)) -> Vec<String> {
    let Some((_, allowed)) = ROOMS.iter().find(|(name, _)| *name == room) else {
        return vec![format!("{file}: the room {room} has no arrows yet")];
    };
    let mut found: Vec<String> = names(file, text)
        .iter()
        .filter(|name| name.path[0] == "crate" || name.path[0] == "gatelodge")
        .filter_map(|name| name.path.get(1))
        .filter(|named| *named != room && !allowed.iter().any(|group| group.contains(&named.as_str())))
        .map(|named| format!("{file}: {room} may not name {named}"))
        .collect();
    found.dedup();
    found
}

/// The room of a file; none for the map and the binary, which name them all, and for what is outside `src/`.
fn room_of(file: &str) -> Option<&str> {
    let inner = file.strip_prefix("src/")?;
    let room = inner.split('/').next()?.trim_end_matches(".rs");
    (!matches!(room, "lib" | "main")).then_some(room)
}

#[cfg(test)]
mod tests {
    use super::super::{none, one};
    use super::*;

    #[test]
    fn an_arrow_that_points_outwards_is_found() {
        one(
            &breaches(&Tree::of(&[("src/session/a.rs", "use crate::authority::X;")])),
            "session may not name authority",
        );
        one(&breaches(&Tree::of(&[("src/crypto/a.rs", "fn f() { crate::session::g() }")])), "may not name session");
        one(&breaches(&Tree::of(&[("src/authority/a.rs", "use super::super::config::X;")])), "may not name config");
        one(&breaches(&Tree::of(&[("src/app.rs", "use crate::cli::X;")])), "app may not name cli");
    }

    #[test]
    fn an_adapter_that_names_another_is_found() {
        for (file, other) in
            [("src/rpc/a.rs", "store"), ("src/store/redis/a.rs", "providers"), ("src/providers/a.rs", "rpc")]
        {
            one(&breaches(&Tree::of(&[(file, &format!("use crate::{{authority::X, {other}::Y}};"))])), other);
        }
    }

    #[test]
    fn a_room_without_arrows_is_found() {
        one(&breaches(&Tree::of(&[("src/helpers.rs", "")])), "no arrows yet");
    }

    #[test]
    fn the_arrows_that_are_drawn_are_free() {
        none(&breaches(&Tree::of(&[("src/cli/a.rs", "use crate::{dev::X, app, store::redis::Y};")])));
    }

    #[test]
    fn every_room_stands_in_the_map() {
        let tree = Tree::read();
        let map: String = tree.text("src/lib.rs").unwrap().lines().filter(|line| line.starts_with("//!")).collect();
        for (room, _) in ROOMS {
            assert!(
                map.contains(&format!("`{room}`")) || map.contains(&format!(" {room} ")),
                "{room} is not in the map"
            );
        }
    }
}
