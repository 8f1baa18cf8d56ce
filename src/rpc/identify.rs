//! Owns who calls, and whether they may: by the key that came and the method that is called. Does not know what is done with
//! the call.

use std::sync::Arc;
use std::time::Duration;

use http::Request;
use tokio::time::timeout;
use tonic::{Code, Status};

use super::callers::{Caller, Callers, bearer};
use super::certificates::Shown;
use super::peer::Peer;
use super::policy::{self, Rpcs, Rule};
use super::status;
use super::strangers::Strangers;
use super::tls::Refusal;
use super::v1::ErrorReason;
use crate::authority::Error;
use crate::authority::recognise_caller::{Recognised, Unread};
use crate::authority::tenants::{Tenancy, Tenants};
use crate::crypto::{Digest, sha256};

/// What is said of a certificate that has the names of more than one caller.
const SEVERAL: &str =
    "the client certificate has names of several callers (`callers[].identities`): take one with the names of one";
/// How long a key is looked for that none of our keys has signed: anybody can make such a one, and it holds a call's place.
const UNSIGNED_WITHIN: Duration = Duration::from_secs(2);
/// How many RPCs of a caller's list a refusal names.
const NAMED: usize = 8;

/// Who calls.
#[derive(Debug)]
pub(super) enum Identity {
    /// Whoever it is: anybody may.
    Anyone,
    /// This caller, who may.
    Caller(Arc<Caller>),
    /// Whoever has this key, which was made at run time: the store has to say.
    Unread(Unread, Digest),
}

/// Knows callers.
pub(super) struct Door {
    pub(super) callers: Callers,
    pub(super) tenants: Tenants,
    pub(super) strangers: Strangers,
}

impl Door {
    /// Who calls, if they may, as far as can be said without asking the store.
    pub(super) fn identify<B>(&self, request: &Request<B>, request_id: &str) -> Result<Identity, Status> {
        if let Some(Refusal { why, remedy }) = Peer::of(request.extensions()).and_then(Peer::refused) {
            self.strangers.outlived(request, why, remedy);
            return Err(unauthenticated(&format!("{why}: {remedy}"), request_id));
        }
        if policy::rule(request.uri().path()) == Some(Rule::Anyone) {
            return Ok(Identity::Anyone);
        }
        let value = request.headers().get(http::header::AUTHORIZATION);
        if value.is_none()
            && let Shown::Of(caller) = self.callers.with_certificate(request.extensions())
        {
            return self.let_in(Recognised::Caller(caller), request, request_id).map(Identity::Caller);
        }
        let Some(key) = value.and_then(|value| bearer(value.as_bytes())) else {
            return Err(self.stranger(request, request_id));
        };
        let hash = sha256(key);
        if let Some(caller) = self.callers.with_key(&hash) {
            return self.let_in(Recognised::Caller(caller), request, request_id).map(Identity::Caller);
        }
        match self.tenants.now().recall_caller(key, &hash) {
            Recognised::Unread(key) => Ok(Identity::Unread(key, hash)),
            recognised => self.let_in(recognised, request, request_id).map(Identity::Caller),
        }
    }

    /// Whose a key is that was made at run time, if they may, as the store has it.
    pub(super) async fn read(
        &self,
        key: Unread,
        hash: &Digest,
        request: &Request<()>,
        request_id: &str,
    ) -> Result<Arc<Caller>, Status> {
        let tenancy = self.tenants.now();
        let read = read(&tenancy, key, hash).await.map_err(|error| status::of(&error, request_id))?;
        self.let_in(read, request, request_id)
    }

    fn let_in<B>(&self, recognised: Recognised, request: &Request<B>, request_id: &str) -> Result<Arc<Caller>, Status> {
        match recognised {
            Recognised::Caller(caller) => {
                self.agree(&caller, request, request_id)?;
                may(&caller, request.uri().path(), request_id).map(|()| caller)
            }
            Recognised::Ended(caller) => {
                let message = format!("the API key of {} has expired; make another one", caller.name);
                Err(unauthenticated(&message, request_id))
            }
            Recognised::Nobody | Recognised::Unread(_) => Err(self.stranger(request, request_id)),
        }
    }

    /// Whoever shows a certificate of one caller and the key of another has taken one of them from somewhere.
    fn agree<B>(&self, caller: &Caller, request: &Request<B>, request_id: &str) -> Result<(), Status> {
        let message = match self.callers.with_certificate(request.extensions()) {
            Shown::Nobodys => return Ok(()),
            Shown::Of(shown) if shown.name == caller.name => return Ok(()),
            Shown::Of(shown) => format!(
                "the API key is of {}, and the client certificate of {}: show one of them, or both of one caller",
                caller.name, shown.name
            ),
            Shown::Several => SEVERAL.to_owned(),
        };
        Err(unauthenticated(&message, request_id))
    }

    fn stranger<B>(&self, request: &Request<B>, request_id: &str) -> Status {
        self.strangers.turned_away(request);
        let message = match self.callers.with_certificate(request.extensions()) {
            Shown::Several => SEVERAL,
            Shown::Nobodys | Shown::Of(_) => {
                "a valid API key is needed: send metadata \"authorization: Bearer <key>\" (GATELODGE_API_KEY)"
            }
        };
        unauthenticated(message, request_id)
    }
}

/// Whose a key is, as the store has it.
async fn read(tenancy: &Tenancy, key: Unread, hash: &Digest) -> Result<Recognised, Error> {
    let reading = tenancy.read_caller(key, hash);
    if key.is_signed {
        return reading.await;
    }
    let read = timeout(UNSIGNED_WITHIN, reading).await;
    read.unwrap_or_else(|late| Err(Error::StoreUnavailable(late.into())))
}

fn unauthenticated(message: &str, request_id: &str) -> Status {
    status::plain(Code::Unauthenticated, ErrorReason::CallerUnauthenticated, message, request_id)
}

/// Whose key this is that a request brings beside its caller's own, and whether they may call a method.
pub(super) enum Brought {
    /// Theirs, and they may.
    By(Arc<Caller>),
    /// Theirs, and they may not, or not any more.
    InVain,
    /// Nobody's.
    Nobodys,
}

/// Whose a key is that a request brings beside its caller's own.
///
/// # Errors
/// When the store can't say.
pub(super) async fn brought(callers: &Callers, tenancy: &Tenancy, method: &str, key: &[u8]) -> Result<Brought, Error> {
    let key = key.trim_ascii();
    let hash = sha256(key);
    let recognised = match callers.with_key(&hash) {
        Some(caller) => Recognised::Caller(caller),
        None => match tenancy.recall_caller(key, &hash) {
            Recognised::Unread(key) => read(tenancy, key, &hash).await?,
            known => known,
        },
    };
    Ok(match recognised {
        Recognised::Caller(caller) if may(&caller, method, "").is_ok() => Brought::By(caller),
        Recognised::Caller(_) | Recognised::Ended(_) => Brought::InVain,
        Recognised::Nobody | Recognised::Unread(_) => Brought::Nobodys,
    })
}

/// Whether a caller may call this method; else which right is missing.
fn may(caller: &Caller, path: &str, request_id: &str) -> Result<(), Status> {
    let refuse = |code, reason, message: &str| Err(status::plain(code, reason, message, request_id));
    match policy::rule(path) {
        Some(Rule::Roles(roles)) if !roles.contains(&caller.role) => {
            let needed = roles.iter().map(|role| role.name()).collect::<Vec<_>>().join(" or ");
            let message = format!("this API key has the role {}; the method needs {needed}", caller.role.name());
            refuse(Code::PermissionDenied, ErrorReason::CallerNotAllowed, &message)
        }
        Some(_) if !policy::is_given(&caller.rpcs, caller.role, path) => {
            let message = format!("{}; {} is not in its `rpcs`", what_it_may(&caller.rpcs), policy::short(path));
            refuse(Code::PermissionDenied, ErrorReason::CallerNotAllowed, &message)
        }
        Some(_) => Ok(()),
        None => refuse(Code::Unimplemented, ErrorReason::MethodUnknown, "this authority has no such method"),
    }
}

/// What a caller may call that has a list, or is a backend and has none.
fn what_it_may(rpcs: &Rpcs) -> String {
    let Rpcs::Only(own) = rpcs else {
        return format!("this API key may call what every backend may ({})", named(&policy::USUAL_OF_BACKENDS));
    };
    format!("this API key may call {} alone", named(own))
}

/// The first methods of a list.
fn named(list: &[impl AsRef<str>]) -> String {
    let names = list.iter().take(NAMED).map(|rpc| policy::short(rpc.as_ref())).collect::<Vec<_>>().join(", ");
    if list.len() > NAMED { format!("{names} ...") } else { names }
}
