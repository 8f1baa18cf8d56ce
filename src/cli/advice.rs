//! Owns what to do about a call that an authority did not answer: which setting to look at. Does not know the verbs.

use std::io::{self, Write as _};

use gatelodge_client::Error;

use super::exit::Exit;
use super::serving::failed;

/// Says why a call failed, and which setting to look at. `address` names the setting that gave the address.
pub(super) fn refused(error: &Error, address: &str) -> Exit {
    let exit = failed(error, exit_of(error));
    if let Some(advice) = advice(error.code().into(), error.request_id().is_none(), error.message()) {
        // Standard error is closed: there is nowhere left to say it.
        let _ = writeln!(io::stderr(), "hint: {}", advice.replace("ADDRESS", address));
    }
    exit
}

fn exit_of(error: &Error) -> Exit {
    match error.code().into() {
        16 | 7 => Exit::NotAllowed,
        14 | 4 => Exit::Unavailable,
        5 => Exit::Absent,
        3 => Exit::Usage,
        _ => Exit::Failed,
    }
}

/// The codes are those of gRPC. Without a request id no authority answered: what the transport says tells why.
fn advice(code: i32, is_unanswered: bool, message: &str) -> Option<&'static str> {
    match code {
        16 => Some("GATELODGE_API_KEY is no key of this authority; `callers` in its configuration has their hashes"),
        7 if message.contains("`everything`") => Some("--everything needs a key of a caller that is for every tenant"),
        // These say themselves what to do.
        7 if message.contains("`rpcs`") || message.starts_with("nobody makes") => None,
        7 if message.contains("tenant") => {
            Some("--tenant (or GATELODGE_TENANT) has to name one of the tenants of the caller in the configuration")
        }
        7 => Some("GATELODGE_API_KEY is the key of a caller with another role; this needs an admin's"),
        _ if !is_unanswered => None,
        _ if message.contains("InvalidContentType") => Some(
            "ADDRESS says https://, and that port speaks plaintext: use http://, or give the authority `server.tls`",
        ),
        _ if message.contains("invalid peer certificate") => {
            Some("the authority's certificate has to be for the host of ADDRESS, from an issuer in GATELODGE_CA_FILE")
        }
        // Whether a port that wants TLS answers with an alert, or closes first, is up to chance.
        14 if !message.contains("has to begin with https://") => {
            Some("ADDRESS says where the authority is; is it running there?")
        }
        _ => Some("ADDRESS has to lead to the authority's gRPC port, with https:// where it has `server.tls`"),
    }
}
