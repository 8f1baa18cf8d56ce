//! Owns the tests of how the authority is asked: gRPC over a real socket, from the caller's side.
//! Does not know what a session is.
//!
//! | file | what is shown |
//! |---|---|
//! | `matrix`, `paths` | who may call what, and that no spelling of a path changes it |
//! | `errors`, `fields`, `bytes` | every error has its reason; a caller's own fields; a browser's bytes |
//! | `trouble`, `gone`, `stop` | a store that is away, a caller that goes away, a server that is told to stop |
//! | `revocation` | what an admin ends in one call |
//! | `known` | what an authority knows by heart |
//! | `ends`, `told` | whatever ends is told, whoever goes away and whatever becomes of store, log and process |
//! | `waiting` | who waits for others to be told keeps no place from those who ask |
//! | `watching`, `watching_changes` | what those who keep answers are told |
//! | `once`, `once_kept`, `once_racing` | calls with an idempotency key: each RPC, what is kept, twins at the same moment |
//! | `clocks` | a machine whose clock is wrong |
//! | `envoy`, `verify` | what a proxy is told that asks who may pass: by gRPC, by HTTP |
//! | `grpc_web` | the same calls from a page |
//! | `settings` | what an edge is told of itself |
//! | `reflection` | what stands beside our own services |
//! | `tls`, `handshakes` | who may connect, and that nobody is held up by who does not |

mod bytes;
pub mod clocks;
mod ends;
mod envoy;
mod errors;
mod fields;
mod gone;
mod grpc_web;
mod handshakes;
mod known;
mod matrix;
pub mod once;
mod once_kept;
mod once_racing;
mod paths;
mod reflection;
mod revocation;
pub mod serving;
mod settings;
mod stop;
mod tls;
mod told;
mod trouble;
mod verify;
mod waiting;
pub mod watching;
mod watching_changes;

use gatelodge::rpc::v1::ErrorReason;
use tonic::{Code, Status};
use tonic_types::{ErrorDetail, StatusExt as _};

/// The reason of an error, after looking at what every error has to have: exactly one `ErrorInfo`, of our domain, with
/// a reason that the contract knows and the request's id.
pub fn reason(status: &Status) -> String {
    let details = status.get_error_details_vec();
    let infos: Vec<_> = details
        .iter()
        .filter_map(|detail| if let ErrorDetail::ErrorInfo(info) = detail { Some(info) } else { None })
        .collect();
    let [info] = infos.as_slice() else { panic!("{} ErrorInfos: {status:?}", infos.len()) };
    assert_eq!(info.domain, "gatelodge", "{status:?}");
    assert!(ErrorReason::from_str_name(&format!("ERROR_REASON_{}", info.reason)).is_some(), "{status:?}");
    assert!(!info.metadata["request_id"].is_empty(), "{status:?}");
    assert_eq!(status.metadata().get("x-request-id").unwrap().to_str().unwrap(), info.metadata["request_id"]);
    info.reason.clone()
}

/// The call failed, so and for this reason.
#[track_caller]
pub fn failed<T: std::fmt::Debug>(outcome: Result<T, Status>, code: Code, why: &str) -> Status {
    let status = outcome.expect_err(why);
    assert_eq!((status.code(), reason(&status).as_str()), (code, why), "{status:?}");
    status
}

/// The fields that an error is about.
pub fn fields_of(status: &Status) -> Vec<String> {
    let bad = status.get_details_bad_request();
    bad.map(|bad| bad.field_violations.into_iter().map(|one| one.field).collect()).unwrap_or_default()
}
