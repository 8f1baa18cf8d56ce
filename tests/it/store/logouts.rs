//! Owns what must hold of logout tokens, of who carries them out, and of a user's logins that a late one refuses, in every
//! store. Does not know which store it is.

use std::time::Duration;

use gatelodge::authority::logout_store::LogoutClaim::{AtWork, Done, Taken};
use gatelodge::authority::ports::Creation;
use gatelodge::session::key::{LogoutTokenKey, TenantNumber};

use super::bench::{Bench, CREATED, LONG, SHORT, TENANT, new_session, user};

const ONE: [u8; 16] = [1; 16];
const OTHER: [u8; 16] = [2; 16];

// security.md 103: neither tenant nor provider nor id can be cut to look like another.
pub async fn a_spent_logout_token_is_known_and_no_other_is(bench: &Bench) {
    let token = LogoutTokenKey::of(TENANT, "idp", "a");
    assert_eq!(bench.store.claim_token(&token, ONE, LONG).await.unwrap(), Taken);
    bench.store.spend(&token, LONG).await.unwrap();
    for by in [ONE, OTHER] {
        assert_eq!(bench.store.claim_token(&token, by, LONG).await.unwrap(), Done);
        bench.store.give_back(&token, by).await.unwrap();
    }
    let others = [(TENANT, "idp", "b"), (TENANT, "idpa", ""), (TENANT, "other", "a"), (TenantNumber(2), "idp", "a")];
    for (tenant, provider, jti) in others {
        let other = LogoutTokenKey::of(tenant, provider, jti);
        assert_eq!(bench.store.claim_token(&other, ONE, LONG).await.unwrap(), Taken, "{tenant:?} {provider} {jti}");
    }
}

pub async fn a_spent_logout_token_is_forgotten_in_time(bench: &Bench) {
    let token = LogoutTokenKey::of(TENANT, "idp", "a");
    bench.store.spend(&token, SHORT).await.unwrap();
    assert_eq!(bench.store.claim_token(&token, ONE, LONG).await.unwrap(), Done);
    bench.pass(SHORT + Duration::from_millis(1)).await;
    bench.sweep().await;
    assert_eq!(bench.store.claim_token(&token, ONE, LONG).await.unwrap(), Taken);
}

// Two copies of a token come at once: one is carried out.
pub async fn a_logout_token_is_at_one_callers_until_it_is_given_back_or_its_time_is_over(bench: &Bench) {
    let token = LogoutTokenKey::of(TENANT, "idp", "a");
    let claims = futures::future::join_all((0..20_u8).map(|by| bench.store.claim_token(&token, [by; 16], LONG))).await;
    let winners: Vec<_> = (0..20_u8).filter(|by| *claims[usize::from(*by)].as_ref().unwrap() == Taken).collect();
    assert_eq!(winners.len(), 1, "{claims:?}");
    let by = [winners[0]; 16];
    assert_eq!(bench.store.claim_token(&token, by, LONG).await.unwrap(), Taken, "the same caller, who lost the answer");
    bench.store.give_back(&token, [99; 16]).await.unwrap();
    assert_eq!(
        bench.store.claim_token(&token, [99; 16], LONG).await.unwrap(),
        AtWork,
        "it was not theirs to give back"
    );
    bench.store.give_back(&token, by).await.unwrap();
    assert_eq!(bench.store.claim_token(&token, OTHER, SHORT).await.unwrap(), Taken);
    bench.pass(SHORT + Duration::from_millis(1)).await;
    assert_eq!(bench.store.claim_token(&token, ONE, LONG).await.unwrap(), Taken, "whoever had it has gone");
    bench.store.give_back(&token, OTHER).await.unwrap();
    assert_eq!(bench.store.claim_token(&token, OTHER, LONG).await.unwrap(), AtWork);
}

// A mark at a moment that has passed refuses what began by then, ends nothing, and lowers no mark.
pub async fn logins_that_had_begun_by_a_moment_are_refused_and_later_ones_are_not(bench: &Bench) {
    let user = user();
    let living = bench.session(&user).await;
    let before = new_session(bench.store.time().await.unwrap(), &user);
    bench.pass(SHORT * 4).await;
    bench.store.refuse_logins(&user, SHORT * 2, LONG).await.unwrap();
    let after = new_session(bench.store.time().await.unwrap(), &user);
    assert_eq!(bench.store.create(before).await.unwrap(), Creation::RevokedMeanwhile);
    assert_eq!(bench.store.create(after).await.unwrap(), CREATED);
    assert!(bench.store.sessions_of(&user).await.unwrap().iter().any(|(key, _)| *key == living));

    let under_way = new_session(bench.store.time().await.unwrap(), &user);
    bench.pass(Duration::from_millis(5)).await;
    bench.store.end_user(&user, LONG, LONG).await.unwrap();
    bench.store.refuse_logins(&user, LONG, LONG).await.unwrap();
    assert_eq!(bench.store.create(under_way).await.unwrap(), Creation::RevokedMeanwhile, "the later mark holds");
}
