//! What every RPC of the contract has: a comment that tells its caller all, a policy row, a use case of its own.
//! Does not know how any of them is implemented.

use super::tree::Tree;
use prost_types::FileDescriptorProto;
use protox::file::File;

const POLICY: &str = "src/rpc/policy.rs";
const CLIENT: &str = "clients/rust/src/client";
const CALLERS: &[&str] = &["anyone", "edge", "backend", "admin"];

/// Use cases whose file is not the RPC's own name, since two services share it.
const SHARED_NAMES: &[(&str, &str)] = &[("AdminService.Revoke", "revoke_as_admin")];

/// One RPC, as the proto files declare it.
pub struct Rpc {
    /// `LoginService`.
    pub service: String,
    /// `StartLogin`.
    pub method: String,
    /// Its leading comment, on one line.
    pub comment: String,
}

impl Rpc {
    /// The reasons that its comment names, without their prefix.
    pub fn reasons(&self) -> impl Iterator<Item = &str> {
        let list = self.comment.split_once("Reasons:").map_or("", |(_, rest)| rest);
        let list = list.split('.').next().unwrap_or_default();
        list.split(',').map(str::trim).filter(|reason| !reason.is_empty())
    }
}

/// The contract's own proto files, parsed.
pub fn protos(tree: &Tree) -> Vec<FileDescriptorProto> {
    let own = tree.files().filter(|(path, _)| path.starts_with("proto/gatelodge/"));
    own.map(|(path, text)| {
        let name = path.trim_start_matches("proto/");
        let file = File::from_source(name, text).unwrap_or_else(|fault| panic!("{path}: {fault:?}"));
        file.file_descriptor_proto().clone()
    })
    .collect()
}

/// The comment above what stands at a path of field numbers and positions (descriptor.proto, `SourceCodeInfo`).
pub fn comment(file: &FileDescriptorProto, path: &[i32]) -> String {
    let places = file.source_code_info.iter().flat_map(|info| &info.location);
    let here = places.filter(|place| place.path == path).find_map(|place| place.leading_comments.clone());
    here.unwrap_or_default().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Every RPC of the contract.
pub fn rpcs(tree: &Tree) -> Vec<Rpc> {
    let mut found = Vec::new();
    for file in protos(tree) {
        for (s, service) in (0..).zip(&file.service) {
            for (m, method) in (0..).zip(&service.method) {
                let comment = comment(&file, &[6, s, 2, m]);
                found.push(Rpc { service: service.name().to_owned(), method: method.name().to_owned(), comment });
            }
        }
    }
    assert!(!found.is_empty(), "the contract has no RPC");
    found
}

/// What an RPC's comment leaves out.
pub fn uncommented(tree: &Tree) -> Vec<String> {
    let known: Vec<String> = protos(tree)
        .iter()
        .flat_map(|file| &file.enum_type)
        .filter(|one| one.name() == "ErrorReason")
        .flat_map(|one| one.value.iter().map(|value| value.name().trim_start_matches("ERROR_REASON_").to_owned()))
        .collect();
    let mut found = Vec::new();
    for rpc in rpcs(tree) {
        let mut fault = |what: &str| found.push(format!("{}.{}: {what}", rpc.service, rpc.method));
        let callers = rpc.comment.split_once("Callers:").and_then(|(_, rest)| rest.split_once('.'));
        match callers {
            None => fault("its comment does not say \"Callers: ...\""),
            Some((callers, _)) => {
                for caller in callers.split(',').map(str::trim).filter(|caller| !CALLERS.contains(caller)) {
                    fault(&format!("its comment names a caller that is none: {caller:?}"));
                }
            }
        }
        if !rpc.comment.to_lowercase().contains("retry") {
            fault("its comment does not say whether a retry is safe");
        }
        if rpc.reasons().next().is_none() {
            fault("its comment does not say \"Reasons: ...\"");
        }
        for reason in rpc.reasons().filter(|reason| !known.iter().any(|name| name == reason)) {
            fault(&format!("its comment names {reason}, which ErrorReason has not"));
        }
    }
    found
}

/// RPCs without a row in the policy table, and rows without an RPC. A row holds the method's whole path in quotes.
pub fn without_policy(tree: &Tree) -> Vec<String> {
    let Some(table) = tree.text(POLICY) else { return vec![format!("{POLICY}: there is no policy table yet")] };
    let paths: Vec<String> =
        rpcs(tree).iter().map(|rpc| format!("/gatelodge.v1.{}/{}", rpc.service, rpc.method)).collect();
    let rows: Vec<&str> = table.split('"').filter(|text| text.starts_with("/gatelodge.v1.")).collect();
    let without = paths.iter().filter(|path| !rows.contains(&path.as_str()));
    let mut found: Vec<String> = without.map(|path| format!("{POLICY}: no row for {path}")).collect();
    let unknown = rows.iter().filter(|row| !paths.iter().any(|path| path == *row));
    found.extend(unknown.map(|row| format!("{POLICY}: {row} is no RPC of the contract")));
    found
}

/// RPCs without a use case of the same name.
pub fn without_use_case(tree: &Tree) -> Vec<String> {
    let file_of = |rpc: &Rpc| {
        let name = format!("{}.{}", rpc.service, rpc.method);
        let shared = SHARED_NAMES.iter().find(|(shared, _)| *shared == name).map(|(_, file)| (*file).to_owned());
        format!("src/authority/{}.rs", shared.unwrap_or_else(|| snake_case(&rpc.method)))
    };
    let missing = rpcs(tree).into_iter().map(|rpc| (file_of(&rpc), rpc)).filter(|(file, _)| tree.text(file).is_none());
    missing.map(|(file, rpc)| format!("{file}: {}.{} has no use case", rpc.service, rpc.method)).collect()
}

/// RPCs that the Rust client has no call for, in the file of their service. The other languages' own tests name theirs.
pub fn without_client_call(tree: &Tree) -> Vec<String> {
    let missing = rpcs(tree).into_iter().filter(|rpc| {
        let file = format!("{CLIENT}/{}", rpc.service.trim_end_matches("Service").to_lowercase());
        let call = format!(" fn {}(", snake_case(&rpc.method));
        !tree.rust().any(|(path, text)| path.starts_with(&file) && text.contains(&call))
    });
    missing.map(|rpc| format!("{CLIENT}: no call for {}.{}", rpc.service, rpc.method)).collect()
}

fn snake_case(name: &str) -> String {
    let mut words = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !words.is_empty() {
            words.push('_');
        }
        words.extend(letter.to_lowercase());
    }
    words
}

#[cfg(test)]
mod tests {
    use super::super::{none, one};
    use super::*;

    const GOOD: &str = "Callers: edge. Safe to retry. Reasons: STORE_AWAY.";

    fn tree(comment: &str, others: &[(&str, &str)]) -> Tree {
        let proto = format!(
            "syntax = \"proto3\"; package gatelodge.v1;
            enum ErrorReason {{ ERROR_REASON_UNSPECIFIED = 0; ERROR_REASON_STORE_AWAY = 1; }}
            message M {{}}
            service DoorService {{
              // {comment}
              rpc OpenDoor(M) returns (M);
            }}"
        );
        Tree::of(&[&[("proto/gatelodge/v1/door.proto", proto.as_str())], others].concat())
    }

    #[test]
    fn an_rpc_whose_comment_leaves_something_out_is_found() {
        none(&uncommented(&tree(GOOD, &[])));
        one(&uncommented(&tree("Safe to retry. Reasons: STORE_AWAY.", &[])), "Callers");
        one(&uncommented(&tree("Callers: passer-by. Safe to retry. Reasons: STORE_AWAY.", &[])), "passer-by");
        one(&uncommented(&tree("Callers: edge. Reasons: STORE_AWAY.", &[])), "retry");
        one(&uncommented(&tree("Callers: edge. Safe to retry.", &[])), "Reasons");
        one(&uncommented(&tree("Callers: edge. Safe to retry. Reasons: STORE_AWAY, RAIN.", &[])), "RAIN");
    }

    #[test]
    fn an_rpc_without_a_policy_row_and_a_row_without_an_rpc_are_found() {
        let row = "(\"/gatelodge.v1.DoorService/OpenDoor\", EDGE)";
        none(&without_policy(&tree(GOOD, &[(POLICY, row)])));
        one(&without_policy(&tree(GOOD, &[(POLICY, "")])), "no row for /gatelodge.v1.DoorService/OpenDoor");
        let more = format!("{row}, (\"/gatelodge.v1.DoorService/ShutDoor\", EDGE)");
        one(&without_policy(&tree(GOOD, &[(POLICY, &more)])), "ShutDoor is no RPC");
        one(&without_policy(&tree(GOOD, &[])), "no policy table");
    }

    #[test]
    fn an_rpc_without_a_use_case_is_found() {
        none(&without_use_case(&tree(GOOD, &[("src/authority/open_door.rs", "")])));
        one(&without_use_case(&tree(GOOD, &[("src/authority/open.rs", "")])), "DoorService.OpenDoor has no use case");
    }

    #[test]
    fn an_rpc_that_the_rust_client_can_not_call_is_found() {
        let call = "pub async fn open_door(&self)";
        none(&without_client_call(&tree(GOOD, &[("clients/rust/src/client/doors.rs", call)])));
        one(&without_client_call(&tree(GOOD, &[("clients/rust/src/client/doors.rs", "fn shut_door()")])), "OpenDoor");
        one(&without_client_call(&tree(GOOD, &[("clients/rust/src/client/windows.rs", call)])), "OpenDoor");
    }
}
