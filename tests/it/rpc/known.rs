//! Owns what callers see of sessions that an authority knows by heart: answers without the store, how long they may be
//! kept, and whoever watches too slowly. Does not know how they are known.

use std::time::Duration;

use gatelodge::authority::ports::EventLog as _;
use gatelodge::rpc::policy::Role;
use gatelodge::session::event::{Event, What};
use gatelodge::session::key::TenantNumber;
use gatelodge_client::v1;
use gatelodge_client::v1::session_service_client::SessionServiceClient;
use gatelodge_client::v1::validate_session_response::Outcome;
use tonic::transport::Endpoint;
use tonic::{Code, Status};

use super::failed;
use super::serving::{Serving, by, context, validation};
use super::watching::{log_in, next, of};
use crate::world::faults::Fault;
use crate::world::replicas::Replicas;
use crate::world::{Browser, Kept};

/// Asks the second authority, whose store may be away.
async fn ask(
    serving: &Serving,
    browser: &Browser,
    change: impl FnOnce(&mut v1::ValidateSessionRequest),
) -> Result<v1::ActiveSession, Status> {
    let mut question = validation(browser);
    change(&mut question);
    let answer = serving.sessions().await.validate_session(by(Role::Edge, question)).await?;
    match answer.into_inner().outcome {
        Some(Outcome::Active(active)) => Ok(active),
        other => panic!("{other:?}"),
    }
}

/// Two authorities, the second of which is served and knows Ada's session by heart.
async fn known(kept: Kept) -> (Replicas, Serving, Browser) {
    let replicas = Replicas::over(kept).await;
    let serving = Serving::of(&replicas.two).await;
    let (browser, _) = log_in(&replicas.one, "ada").await;
    replicas.catch_up().await;
    ask(&serving, &browser, |_| ()).await.unwrap();
    (replicas, serving, browser)
}

// What is known may be older than the request: so a no is the store's to say.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_is_known_needs_no_store_to_pass_and_one_to_be_refused() {
    for kept in [Kept::Memory, Kept::Redis] {
        let (replicas, serving, browser) = known(kept).await;
        let away = |asked| failed::<v1::ActiveSession>(asked, Code::Unavailable, "STORE_UNAVAILABLE");
        replicas.store.set(Fault::Away);
        ask(&serving, &browser, |_| ()).await.unwrap();
        let scopes = |scope: &str| v1::Requirements { scopes: vec![scope.into()], ..Default::default() };
        ask(&serving, &browser, |question| question.requirements = Some(scopes("openid"))).await.unwrap();
        away(ask(&serving, &browser, |question| question.requirements = Some(scopes("more"))).await);
        away(ask(&serving, &browser, |question| question.context = Some(context("POST", "/"))).await);
        let stranger = v1::RequestContext { user_agent: Some("Other".into()), ..context("GET", "/") };
        away(ask(&serving, &browser, |question| question.context = Some(stranger)).await);
        replicas.two.clock.advance(Duration::from_secs(5));
        away(ask(&serving, &browser, |_| ()).await);
        replicas.store.set(None);
        ask(&serving, &browser, |_| ()).await.unwrap();
    }
}

fn kept_for(active: &v1::ActiveSession) -> Option<Duration> {
    assert_eq!(active.keep_for.is_some(), active.event_position.len() == 16);
    active.keep_for.map(|length| Duration::try_from(length).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_says_how_long_it_may_be_kept_and_staleness_does_not_add_up() {
    for kept in [Kept::Memory, Kept::Redis] {
        let (replicas, serving, browser) = known(kept).await;
        replicas.two.clock.advance(Duration::from_millis(1500));
        replicas.hear().await;
        let first = ask(&serving, &browser, |_| ()).await.unwrap();
        assert_eq!(kept_for(&first), Some(Duration::from_millis(3500)), "{kept:?}: what is left of five seconds");
        let position = first.event_position.clone();
        let same = ask(&serving, &browser, |question| question.as_of_position = position.clone()).await.unwrap();
        assert!(same.event_position >= position && kept_for(&same) == kept_for(&first), "{kept:?}");
        let ahead = |question: &mut v1::ValidateSessionRequest| question.as_of_position = vec![0xff; 16].into();
        let anew = ask(&serving, &browser, ahead).await.unwrap();
        assert_eq!(kept_for(&anew), Some(Duration::from_secs(5)), "{kept:?}: whoever has heard more asks the store");
        let token = ask(&serving, &browser, |question| question.issue_csrf_token = true).await.unwrap();
        assert_eq!(kept_for(&token), None, "{kept:?}: a token is for one answer");
        replicas.cut_off().await;
        assert_eq!(kept_for(&ask(&serving, &browser, |_| ()).await.unwrap()), None, "{kept:?}: nobody would tell");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watcher_that_reads_too_slowly_is_told_so_and_goes_on() {
    for kept in [Kept::Memory, Kept::Redis] {
        let replicas = Replicas::over(kept).await;
        let serving = Serving::of(&replicas.two).await;
        // A way with little room, so that what is not read soon fills it.
        let way = Endpoint::from_shared(format!("http://{}", serving.address)).unwrap();
        let way = way.initial_stream_window_size(1 << 14).initial_connection_window_size(1 << 16).connect().await;
        let mut sessions = SessionServiceClient::new(way.unwrap());
        let mut watch = sessions.watch_sessions(by(Role::Edge, of(&[]))).await.unwrap().into_inner();
        assert!(!next(&mut watch).await.reset);
        let session = replicas.one.log_in(&mut Browser::default(), "ada").await.result.unwrap().key;
        let changed = Event { tenant: TenantNumber(1), what: What::Changed(session) };
        for _ in 0..120 {
            replicas.cut.announce(vec![changed.clone(); 500]).await.unwrap();
        }
        replicas.catch_up().await;
        let mut told = 0;
        loop {
            let message = next(&mut watch).await;
            if message.reset {
                break;
            }
            told += message.events.len();
            assert!(told < 60_000, "{kept:?}: it was told everything, and this test shows nothing");
        }
        let after = next(&mut watch).await;
        assert!(!after.reset && after.max_staleness.is_some(), "{kept:?}: and it goes on: {after:?}");
    }
}
