//! The page of reasons, `proto/REASONS.md`: made from the proto files' enums and their comments, so that it can't tell
//! another story than they do. Does not know a reason itself. `UPDATE=1` writes the page anew.

use super::contract::{comment, protos, rpcs};
use super::tree::Tree;
use std::fmt::Write;
use std::path::Path;

const PAGE: &str = "proto/REASONS.md";
const HEAD: &str = "# Reasons

Made from the comments of the proto files by `UPDATE=1 cargo test --test it reasons`; do not edit it by hand.

A failed call carries one `google.rpc.ErrorInfo` with domain `gatelodge`, a `reason` from the first table, and the
`request_id` in its metadata. The other tables are answers: their status is OK.
";

/// The enums that the page shows, in its order, with the name to look for in the source.
const SHOWN: &[&str] = &["ErrorReason", "InactiveReason", "DeniedReason", "LoginFailure"];

/// Says when the page is not what the proto files make of it.
pub fn stale(tree: &Tree) -> Vec<String> {
    let page = page(tree);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE), &page).unwrap();
        return Vec::new();
    }
    different(tree, &page)
}

fn different(tree: &Tree, page: &str) -> Vec<String> {
    let old = tree.text(PAGE).unwrap_or_default();
    let first = page.lines().zip(old.lines().chain(std::iter::repeat(""))).find(|(new, old)| new != old);
    match first {
        _ if old == page => Vec::new(),
        Some((new, _)) => vec![format!("{PAGE} is stale (UPDATE=1 writes it anew), first at: {new}")],
        None => vec![format!("{PAGE} is stale (UPDATE=1 writes it anew): it has lines too many")],
    }
}

fn page(tree: &Tree) -> String {
    let mut page = HEAD.to_owned();
    let rpcs = rpcs(tree);
    let protos = protos(tree);
    for shown in SHOWN {
        let enums = protos.iter().flat_map(|file| (0..).zip(&file.enum_type).map(move |(at, one)| (file, at, one)));
        let Some((file, position, found)) = enums.into_iter().find(|(_, _, one)| one.name() == *shown) else {
            continue;
        };
        let failing = *shown == "ErrorReason";
        let prefix = format!("{}_", screaming_case(shown));
        let _ = writeln!(page, "\n## {shown}\n\n{}\n", comment(file, &[5, position]));
        page.push_str(if failing {
            "| reason | status | meaning | named by |\n|---|---|---|---|\n"
        } else {
            "| value | meaning |\n|---|---|\n"
        });
        for (v, value) in (0..).zip(&found.value).skip(1) {
            let name = value.name().trim_start_matches(&prefix);
            let meaning = comment(file, &[5, position, 2, v]).replace('|', "\\|");
            if failing {
                let (status, meaning) = meaning.split_once(". ").unwrap_or(("", &meaning));
                let named: Vec<String> = rpcs
                    .iter()
                    .filter(|rpc| rpc.reasons().any(|reason| reason == name))
                    .map(|rpc| format!("{}.{}", rpc.service, rpc.method))
                    .collect();
                let named = if named.is_empty() { "any".to_owned() } else { named.join(", ") };
                let _ = writeln!(page, "| `{name}` | {status} | {meaning} | {named} |");
            } else {
                let _ = writeln!(page, "| `{name}` | {meaning} |");
            }
        }
    }
    page
}

fn screaming_case(name: &str) -> String {
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push('_');
        }
        words.extend(letter.to_uppercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::super::{none, one};
    use super::*;

    const PROTO: &str = "syntax = \"proto3\"; package gatelodge.v1; message M {}
        // Why a call failed.
        enum ErrorReason {
          // Never sent.
          ERROR_REASON_UNSPECIFIED = 0;
          // UNAVAILABLE. The store is away.
          ERROR_REASON_STORE_AWAY = 1;
        }
        service DoorService {
          // Reasons: STORE_AWAY.
          rpc OpenDoor(M) returns (M);
        }";

    #[test]
    fn a_page_that_tells_another_story_is_found() {
        let proto = ("proto/gatelodge/v1/door.proto", PROTO);
        let fresh = page(&Tree::of(&[proto]));
        assert!(fresh.ends_with("| `STORE_AWAY` | UNAVAILABLE | The store is away. | DoorService.OpenDoor |\n"));
        none(&different(&Tree::of(&[proto, (PAGE, &fresh)]), &fresh));
        one(&different(&Tree::of(&[proto, (PAGE, &fresh.replace("away", "here"))]), &fresh), "The store is away");
        one(&different(&Tree::of(&[proto, (PAGE, &format!("{fresh}more\n"))]), &fresh), "lines too many");
        one(&different(&Tree::of(&[proto]), &fresh), "is stale");
    }
}
