//! Owns what must hold of logout tokens that were carried out, in every store. Does not know which store it is.

use std::time::Duration;

use gatelodge::session::key::{LogoutTokenKey, TenantNumber};

use super::bench::{Bench, LONG, SHORT, TENANT};

// security.md 103: neither tenant nor provider nor id can be cut to look like another.
pub async fn a_spent_logout_token_is_known_and_no_other_is(bench: &Bench) {
    let token = LogoutTokenKey::of(TENANT, "idp", "a");
    assert!(!bench.store.is_spent(&token).await.unwrap());
    bench.store.spend(&token, LONG).await.unwrap();
    assert!(bench.store.is_spent(&token).await.unwrap());
    let others = [(TENANT, "idp", "b"), (TENANT, "idpa", ""), (TENANT, "other", "a"), (TenantNumber(2), "idp", "a")];
    for (tenant, provider, jti) in others {
        let other = LogoutTokenKey::of(tenant, provider, jti);
        assert!(!bench.store.is_spent(&other).await.unwrap(), "{tenant:?} {provider} {jti}");
    }
}

pub async fn a_spent_logout_token_is_forgotten_in_time(bench: &Bench) {
    let token = LogoutTokenKey::of(TENANT, "idp", "a");
    bench.store.spend(&token, SHORT).await.unwrap();
    bench.pass(SHORT + Duration::from_millis(1)).await;
    assert!(!bench.store.is_spent(&token).await.unwrap());
    bench.sweep().await;
    assert!(!bench.store.is_spent(&token).await.unwrap());
}
