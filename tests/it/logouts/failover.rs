//! Owns what becomes of a provider's logout that Redis has lost in a failover. Does not know how it fails over.

use gatelodge::authority::login_answer::LoginFailure;
use gatelodge::rpc::policy::Role;
use gatelodge_client::v1;

use crate::redis::Server;
use crate::rpc::serving::{Serving, by, context};
use crate::store::bench::keys_of;
use crate::world::replicas::Replicas;
use crate::world::{Browser, Kept, logout_token, state_of};

const CLIENT: &str = "app";

/// Takes away what the store has noted of the ends of providers' sessions, as a failover does.
async fn lose_the_ends(prefix: String) {
    let lose = move || {
        let noted =
            keys_of(Server::shared(), &prefix).into_iter().filter(|key| key.windows(2).any(|pair| pair == b"}q"));
        for key in noted {
            redis::cmd("DEL").arg(key).exec(&mut Server::shared().admin()).unwrap();
        }
    };
    tokio::task::spawn_blocking(lose).await.unwrap();
}

// A revocation outlives a failover: a login under way does not slip past it, at any authority.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_a_providers_session_is_remembered_by_all_who_heard_of_it() {
    let replicas = Replicas::over(Kept::Redis).await;
    let door = Serving::of(&replicas.two).await;
    let provider = &replicas.one.provider;
    CLIENT.clone_into(&mut provider.client.lock().unwrap());
    for (sid, failure) in [("ended", Some(LoginFailure::RevokedMeanwhile)), ("another", None)] {
        *provider.sid.lock().unwrap() = Some(sid.into());
        let mut browser = Browser::default();
        let started = replicas.one.start(&browser, "").await;
        browser.keep(&started.answer.set_cookies);
        let question = v1::HandleBackchannelLogoutRequest {
            form: format!("logout_token={}", logout_token(CLIENT, sid, "ada", Some("ended"))).into(),
            context: Some(context("POST", "/auth/web/backchannel-logout")),
            ..Default::default()
        };
        let told = door.logins().await.handle_backchannel_logout(by(Role::Edge, question)).await.unwrap().into_inner();
        assert_eq!((told.answer.unwrap().status, told.revoked_count), (200, 0));
        replicas.catch_up().await;
        lose_the_ends(replicas.prefix.clone()).await;
        let query = format!("code={}&state={}", provider.code_for("ada"), state_of(&started.answer));
        assert_eq!(replicas.one.callback(&browser, &query).await.failure(), failure, "{sid}");
    }
}
