//! Owns the tests of callers: who may call, by which key, until when. Over a real socket, from the caller's side. Does not know
//! how keys are kept.
//!
//! | file | what is shown |
//! |---|---|
//! | `certificates` | callers that are known by a client certificate |
//! | `keys` | a key that is made at run time, at two replicas: good at once, until it is revoked or its time is over |
//! | `rights` | what a key may do, and what may be made with it |
//! | `trouble` | a store that is away, a replica that is cut off, forged keys |

mod certificates;
mod keys;
mod rights;
mod trouble;

use gatelodge::rpc::policy::Role;
use gatelodge_client::v1;
use tonic::{Request, Status};

use crate::rpc::serving::{self, Serving, validation};
use crate::world::{Browser, Kept};

pub const STORES: [Kept; 2] = [Kept::Memory, Kept::Redis];

/// A request with an API key.
pub fn with<T>(key: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("Bearer {key}").parse().unwrap());
    request
}

/// What asks for a key of this name and role.
pub fn wanted(name: &str, role: v1::CallerRole) -> v1::CreateCallerKeyRequest {
    v1::CreateCallerKeyRequest { name: name.into(), role: role.into(), ..Default::default() }
}

/// A key for a backend, made by the admin of the configuration.
pub async fn made(at: &Serving, name: &str) -> (v1::CallerKey, String) {
    let request = serving::by(Role::Admin, wanted(name, v1::CallerRole::Backend));
    let made = at.admin().await.create_caller_key(request).await.unwrap().into_inner();
    (made.key.unwrap(), made.api_key)
}

pub async fn revoke(at: &Serving, key: &v1::CallerKey) -> bool {
    let request = v1::RevokeCallerKeyRequest { key_id: key.key_id.clone(), ..Default::default() };
    at.admin().await.revoke_caller_key(serving::by(Role::Admin, request)).await.unwrap().into_inner().revoked
}

/// Whether a call with this key is let in.
pub async fn calls(at: &Serving, key: &str) -> Result<(), Status> {
    at.sessions().await.validate_session(with(key, validation(&Browser::default()))).await.map(drop)
}

pub async fn listed(at: &Serving) -> Vec<v1::CallerKey> {
    let request = serving::by(Role::Admin, v1::ListCallerKeysRequest {});
    at.admin().await.list_caller_keys(request).await.unwrap().into_inner().keys
}
