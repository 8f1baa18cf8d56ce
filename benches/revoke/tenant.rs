//! Owns a tenant with very many sessions, made in the store as its authorities would make them. Does not know who asks for
//! them.

use std::sync::Arc;

use gatelodge::authority::ports::{Creation, SessionStore as _};
use gatelodge::crypto::{KeyRing, Secret};
use gatelodge::vault::Vault;
use gatelodge_client::v1;

use crate::places::Cookies;
use crate::{Result, authority, many, redis_store, session};

/// Makes so many sessions, each of a user of its own, in the Redis of this address; answers what shows some of them.
pub async fn fill(address: &str, sessions: usize, shown: usize) -> Result<Vec<Cookies>> {
    let ring = |secret| KeyRing::new(Secret::new(secret), []);
    let vault = Vault::of(session::TENANT, &ring(authority::SIGNING_SECRET), &ring(authority::CSRF_SECRET));
    let made_by = Arc::new((redis_store::connect(address).await?, vault));
    let made = many::make(sessions, move |user| {
        let made_by = Arc::clone(&made_by);
        async move {
            let (store, vault) = made_by.as_ref();
            let (new, credential) = session::make(vault, session::user(user), None);
            match store.create(new).await? {
                Creation::Created(_) if user < shown => {
                    let value = credential.text(&vault.credential).expose().to_owned().into();
                    Ok(Some(vec![v1::Cookie { name: "session".to_owned(), value }]))
                }
                Creation::Created(_) => Ok(None),
                refused => Err(format!("the store refuses a session: {refused:?}").into()),
            }
        }
    });
    Ok(made.await?.into_iter().flatten().collect())
}
