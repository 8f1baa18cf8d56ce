//! Owns the calls of SessionService and TokenService that one tenant's callers try with what is another's. Does not know
//! who the two are.

use std::time::Duration;

use futures::stream::iter;
use gatelodge::rpc::policy::Role;
use gatelodge_client::v1;
use gatelodge_client::v1::check_sessions_response::Result as Checked;
use gatelodge_client::v1::session_service_revoke_request::Target;
use gatelodge_client::v1::validate_token_response::Outcome;
use tonic::Response;

use super::alike::{NOBODYS_ID, alike, garbled, unknown};
use super::pairs::{Pair, Tried};
use super::town::by;
use crate::rpc::serving::{context, cookies, validation};
use crate::world::Browser;

pub async fn try_all(pair: Pair<'_>, theirs: &Browser, id: &str) -> Tried {
    let tried = [read(pair, theirs).await, changed(pair, theirs, id).await, told(pair, theirs).await];
    tried.concat().into_iter().chain(tokens(pair, theirs).await).collect()
}

fn seen() -> v1::RequestContext {
    context("GET", "/")
}

async fn read(Pair { town, a, .. }: Pair<'_>, theirs: &Browser) -> Tried {
    let client = town.serving.sessions().await;
    unknown(town, "SessionService.ValidateSession", theirs, async |browser| {
        client.clone().validate_session(by(Role::Edge, a, validation(browser))).await
    })
    .await;
    unknown(town, "SessionService.GetAccessToken", theirs, async |browser| {
        let question = v1::GetAccessTokenRequest { cookies: cookies(browser), ..Default::default() };
        client.clone().get_access_token(by(Role::Backend, a, question)).await
    })
    .await;
    unknown(town, "SessionService.GetUserInfo", theirs, async |browser| {
        let question =
            v1::GetUserInfoRequest { cookies: cookies(browser), context: Some(seen()), ..Default::default() };
        client.clone().get_user_info(by(Role::Edge, a, question)).await
    })
    .await;
    unknown(town, "SessionService.ListUserSessions", theirs, async |browser| {
        let question =
            v1::ListUserSessionsRequest { cookies: cookies(browser), context: Some(seen()), ..Default::default() };
        client.clone().list_user_sessions(by(Role::Edge, a, question)).await
    })
    .await;
    unknown(town, "SessionService.GetAttributes", theirs, async |browser| {
        let question = v1::GetAttributesRequest { cookies: cookies(browser), context: Some(seen()) };
        client.clone().get_attributes(by(Role::Edge, a, question)).await
    })
    .await;
    unknown(town, "SessionService.CheckSessions", theirs, async |browser| {
        let question = Some(validation(browser));
        let question = v1::CheckSessionsRequest { id: 1, question, ..Default::default() };
        let stream = client.clone().check_sessions(by(Role::Edge, a, iter([question]))).await?;
        let answer = stream.into_inner().message().await?.unwrap();
        assert!(matches!(answer.result, Some(Checked::Answer(_))), "{answer:?}");
        Ok(Response::new(answer))
    })
    .await;
    vec![
        "SessionService.ValidateSession",
        "SessionService.GetAccessToken",
        "SessionService.GetUserInfo",
        "SessionService.ListUserSessions",
        "SessionService.GetAttributes",
        "SessionService.CheckSessions",
    ]
}

async fn changed(Pair { town, a, .. }: Pair<'_>, theirs: &Browser, id: &str) -> Tried {
    let client = town.serving.sessions().await;
    unknown(town, "SessionService.RefreshTokens", theirs, async |browser| {
        let question =
            v1::RefreshTokensRequest { cookies: cookies(browser), context: Some(seen()), ..Default::default() };
        client.clone().refresh_tokens(by(Role::Edge, a, question)).await
    })
    .await;
    unknown(town, "SessionService.UpdateAttributes", theirs, async |browser| {
        let set = [("cart".to_owned(), "7".into())].into();
        let question = v1::UpdateAttributesRequest { cookies: cookies(browser), set, ..Default::default() };
        client.clone().update_attributes(by(Role::Backend, a, question)).await
    })
    .await;
    for target in [Target::PresentedSession(v1::PresentedSession {}), Target::AllOthers(v1::AllOtherSessions {})] {
        unknown(town, "SessionService.Revoke", theirs, async |browser| {
            let target = Some(target.clone());
            let question = v1::SessionServiceRevokeRequest { cookies: cookies(browser), target, ..Default::default() };
            client.clone().revoke(by(Role::Backend, a, question)).await
        })
        .await;
    }
    // With a session of one's own, of the user who is called the same there, by the public id of theirs.
    let (own, _) = town.log_in(a, "ada").await;
    alike(town, "SessionService.Revoke", [id, NOBODYS_ID], async |id| {
        let (cookies, target) = (cookies(&own), Some(Target::SessionId((*id).to_owned())));
        let question = v1::SessionServiceRevokeRequest { cookies, target, ..Default::default() };
        let answer = client.clone().revoke(by(Role::Backend, a, question)).await?;
        assert_eq!(answer.get_ref().revoked_count, 0);
        Ok(answer)
    })
    .await;
    vec!["SessionService.RefreshTokens", "SessionService.UpdateAttributes", "SessionService.Revoke"]
}

/// Watches as one tenant while the other's session changes, and is told of nothing but what is one's own.
async fn told(Pair { town, a, b }: Pair<'_>, theirs: &Browser) -> Tried {
    let mut client = town.serving.sessions().await;
    let question = by(Role::Edge, a, v1::WatchSessionsRequest::default());
    let mut watch = client.watch_sessions(question).await.unwrap().into_inner();
    watch.message().await.unwrap().unwrap();
    let (_, ended) = town.log_in(b, "bob").await;
    let end = |at: usize, id: String| {
        let (authority, target) = (town.worlds[at].authority.clone(), super::admin::one(id));
        async move { authority.revoke_as_admin(&crate::world::World::call(), &target, "").await.unwrap() }
    };
    assert_eq!(end(b, ended.clone()).await, 1);
    let (_, own) = town.log_in(a, "bob").await;
    assert_eq!(end(a, own.clone()).await, 1);
    let mut heard = Vec::new();
    while heard.is_empty() {
        let message = tokio::time::timeout(Duration::from_secs(5), watch.message()).await;
        let message = message.expect("a message in time").unwrap().unwrap();
        assert!(!message.reset, "{message:?}");
        heard.extend(message.events.into_iter().map(|event| event.session_id));
    }
    assert_eq!(heard, [own], "nothing of {ended}, nor of {theirs:?}");
    vec!["SessionService.WatchSessions"]
}

async fn tokens(Pair { town, a, b }: Pair<'_>, theirs: &Browser) -> Tried {
    let client = town.serving.tokens().await;
    let audience = "https://orders.example.com";
    let mint = |at: usize, browser: &Browser| {
        let (cookies, audience) = (cookies(browser), audience.to_owned());
        by(Role::Backend, at, v1::MintTokenRequest { cookies, audience, ..Default::default() })
    };
    unknown(town, "TokenService.MintToken", theirs, async |browser| client.clone().mint_token(mint(a, browser)).await)
        .await;
    let minted = client.clone().mint_token(mint(b, theirs)).await.unwrap().into_inner().outcome;
    let Some(v1::mint_token_response::Outcome::Minted(minted)) = minted else { panic!("{minted:?}") };
    // Both say that they are the same issuer: it is the key that tells them apart.
    let tokens = [minted.value.clone(), garbled(&minted.value)];
    alike(town, "TokenService.ValidateToken", tokens, async |token| {
        let question = v1::ValidateTokenRequest { token: token.clone().into(), ..Default::default() };
        let answer = client.clone().validate_token(by(Role::Backend, a, question)).await?;
        assert!(matches!(answer.get_ref().outcome, Some(Outcome::Inactive(_))), "{answer:?}");
        Ok(answer)
    })
    .await;
    let keys = async |at: usize| {
        let answer = client.clone().get_jwks(by(Role::Backend, at, v1::GetJwksRequest {})).await;
        answer.unwrap().into_inner().jwks
    };
    let (own, their) = (keys(a).await, keys(b).await);
    let ids = |jwks: &str| {
        let set: serde_json::Value = serde_json::from_str(jwks).unwrap();
        set["keys"].as_array().unwrap().iter().map(|key| key["kid"].clone()).collect::<Vec<_>>()
    };
    assert!(!ids(&own).is_empty() && ids(&own).iter().all(|id| !ids(&their).contains(id)), "{own} {their}");
    vec!["TokenService.MintToken", "TokenService.ValidateToken", "TokenService.GetJwks"]
}
