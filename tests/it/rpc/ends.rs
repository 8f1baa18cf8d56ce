//! Owns what everybody is told of sessions that end, in every way there is to end one: though the caller goes away in the
//! middle, and though the log takes nothing for a while. Does not know how they end.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::join_all;
use gatelodge::rpc::policy::Role;
use gatelodge::session::event::What;
use gatelodge_client::v1::{self, SessionEventKind as Kind};
use gatelodge_client::{Client, ClientOptions, Error};
use tokio::time::{Instant, timeout};
use tonic::Code;

use super::serving::{Serving, by, context, cookies, key, validation};
use super::watching::{Watch, next, of, until, watch};
use crate::world::faults::Fault;
use crate::world::replicas::{Cut, Replicas};
use crate::world::{Browser, Crowded, Kept, World, logout_token};

const CLIENT: &str = "app";
const WAYS: [&str; 10] =
    ["presented", "another", "others", "logout", "front", "back", "session", "user", "disabled", "deleted"];

/// A user who is to be ended in a way of their own, at the second of two authorities.
struct User {
    way: &'static str,
    browsers: [Browser; 2],
    sessions: [String; 2],
    csrf_token: String,
}

/// Two authorities, the second of which is asked to end sessions; who watches at the first.
struct Ends {
    replicas: Replicas,
    _doors: [Serving; 2],
    edge: Client,
    admin: Client,
    users: Vec<User>,
    watch: Watch,
}

impl Ends {
    async fn over(kept: Kept) -> Self {
        let replicas = Replicas::over(kept).await;
        CLIENT.clone_into(&mut replicas.one.provider.client.lock().unwrap());
        let doors = [Serving::of(&replicas.one).await, Serving::of(&replicas.two).await];
        let [edge, admin] = [Role::Edge, Role::Admin].map(|role| {
            Client::connect(&ClientOptions::new(format!("http://{}", doors[1].address), key(role))).unwrap()
        });
        let mut users = Vec::new();
        for way in WAYS {
            users.push(User::who_is_ended(way, &replicas.one, &doors[1]).await);
        }
        let mut watch = watch(&doors[0], of(&[Kind::Revoked, Kind::TenantRevoked])).await;
        next(&mut watch).await;
        Self { replicas, _doors: doors, edge, admin, users, watch }
    }

    async fn end(&self, user: &User) -> Result<(), Error> {
        use v1::admin_service_revoke_request::Target as Named;
        use v1::session_service_revoke_request::Target;
        let revoke = async |target| {
            let cookies = cookies(&user.browsers[0]);
            let question = v1::SessionServiceRevokeRequest { cookies, target: Some(target), ..Default::default() };
            self.edge.sessions().revoke(question).await.map(drop)
        };
        let name = async |target| {
            let question = v1::AdminServiceRevokeRequest { target: Some(target), ..Default::default() };
            self.admin.admin().revoke(question).await.map(drop)
        };
        let (user_id, reason) = (format!("idp_{}", user.way), String::new());
        match user.way {
            "presented" => revoke(Target::PresentedSession(v1::PresentedSession {})).await,
            "another" => revoke(Target::SessionId(user.sessions[1].clone())).await,
            "others" => revoke(Target::AllOthers(v1::AllOtherSessions {})).await,
            "logout" => {
                let token = Some(user.csrf_token.clone().into());
                let context = v1::RequestContext { csrf_token: token, ..context("POST", "/auth/web/logout") };
                let cookies = cookies(&user.browsers[0]);
                let question = v1::StartLogoutRequest { cookies, context: Some(context), ..Default::default() };
                let answer = self.edge.login().start_logout(question).await?.answer.unwrap();
                assert_eq!(answer.status, 303, "{answer:?}");
                Ok(())
            }
            "front" => {
                let query = format!("iss={}&sid={}", crate::world::ISSUER, user.way).into();
                let context = Some(context("GET", "/auth/web/frontchannel-logout"));
                let question = v1::HandleFrontchannelLogoutRequest { query, context, ..Default::default() };
                self.edge.login().handle_frontchannel_logout(question).await.map(drop)
            }
            "back" => {
                let form = format!("logout_token={}", logout_token(CLIENT, "jti", user.way, None)).into();
                let context = Some(context("POST", "/auth/web/backchannel-logout"));
                let question = v1::HandleBackchannelLogoutRequest { form, context, ..Default::default() };
                self.edge.login().handle_backchannel_logout(question).await.map(drop)
            }
            "session" => name(Named::SessionId(user.sessions[0].clone())).await,
            "user" => name(Named::UserId(user_id)).await,
            "disabled" => self
                .admin
                .admin()
                .disable_user(v1::DisableUserRequest { user_id, reason, ..Default::default() })
                .await
                .map(drop),
            "deleted" => self
                .admin
                .admin()
                .delete_user(v1::DeleteUserRequest { user_id, reason, ..Default::default() })
                .await
                .map(drop),
            other => panic!("{other}"),
        }
    }

    async fn end_the_tenant(&self) -> Result<(), Error> {
        let target = Some(v1::admin_service_revoke_request::Target::Tenant(v1::WholeTenant {}));
        let question = v1::AdminServiceRevokeRequest { target, ..Default::default() };
        self.admin.admin().revoke(question).await.map(drop)
    }

    /// Waits until who watches has been told of all that was to end.
    async fn all_are_told(&mut self) {
        let mut left: HashSet<_> = self.users.iter().flat_map(User::ended).cloned().collect();
        let told = async {
            while !left.is_empty() {
                let message = next(&mut self.watch).await;
                assert!(!message.reset, "{message:?}");
                for event in &message.events {
                    left.remove(&event.session_id);
                }
            }
        };
        if timeout(Duration::from_secs(15), told).await.is_err() {
            let lost = self.users.iter().filter(|user| user.ended().iter().any(|session| left.contains(session)));
            panic!("nobody was told of {:?}", lost.map(|user| user.way).collect::<Vec<_>>());
        }
    }
}

impl User {
    async fn who_is_ended(way: &'static str, world: &World, door: &Serving) -> Self {
        *world.provider.sid.lock().unwrap() = Some(way.into());
        let mut browsers = [Browser::default(), Browser::default()];
        let mut sessions = Vec::new();
        for browser in &mut browsers {
            sessions.push(world.log_in(browser, way).await.result.unwrap().key.public());
        }
        let question = v1::ValidateSessionRequest { issue_csrf_token: true, ..validation(&browsers[0]) };
        let answer = door.sessions().await.validate_session(by(Role::Edge, question)).await.unwrap().into_inner();
        let Some(v1::validate_session_response::Outcome::Active(active)) = answer.outcome else { panic!("{answer:?}") };
        Self { way, browsers, sessions: sessions.try_into().unwrap(), csrf_token: active.csrf_token }
    }

    fn ended(&self) -> &[String] {
        match self.way {
            "presented" | "logout" | "session" => &self.sessions[..1],
            "another" | "others" => &self.sessions[1..],
            _ => &self.sessions,
        }
    }
}

async fn whoever_goes_away(kept: Kept) {
    let mut ends = Ends::over(kept).await;
    let steps = &["end", "end_user", "disable_user", "delete_user", "raise"];
    ends.replicas.store.set(Fault::HoldsAnswersOf(steps));
    let patience = Duration::from_secs(5);
    (ends.edge, ends.admin) = (ends.edge.with_deadline(patience), ends.admin.with_deadline(patience));
    let left = join_all(ends.users.iter().map(|user| ends.end(user))).await;
    for outcome in left {
        assert_eq!(outcome.unwrap_err().code(), Code::DeadlineExceeded);
    }
    assert!(ends.replicas.store.waiting() >= WAYS.len(), "the store was to be at work for each of them");
    ends.replicas.store.set(None);
    ends.all_are_told().await;

    ends.replicas.store.set(Fault::HoldsAnswersOf(steps));
    assert_eq!(ends.end_the_tenant().await.unwrap_err().code(), Code::DeadlineExceeded);
    assert_eq!(ends.replicas.store.waiting(), 1);
    ends.replicas.store.set(None);
    until(&mut ends.watch, Kind::TenantRevoked).await;
}

// What is asked for is done, and told, though nobody waits for the answer any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ends_is_told_though_its_caller_has_gone() {
    tokio::join!(whoever_goes_away(Kept::Memory), whoever_goes_away(Kept::Redis));
}

/// Asks with the client's own deadlines.
async fn while_the_log(kept: Kept, trouble: fn(&Cut) -> &AtomicBool) {
    let mut ends = Ends::over(kept).await;
    trouble(&ends.replicas.cut).store(true, Ordering::SeqCst);
    let timed = async |ending: &mut (dyn Future<Output = Result<(), Error>> + Send + Unpin)| {
        let began = Instant::now();
        ending.await.unwrap();
        began.elapsed()
    };
    let each = ends.users.iter().map(async |user| timed(&mut Box::pin(ends.end(user))).await);
    for (took, user) in join_all(each).await.into_iter().zip(&ends.users) {
        // That it is no later is its caller's own deadline, which is 8 seconds.
        assert!(took >= Duration::from_secs(5), "{kept:?} {}: {took:?}", user.way);
    }
    trouble(&ends.replicas.cut).store(false, Ordering::SeqCst);
    ends.all_are_told().await;

    trouble(&ends.replicas.cut).store(true, Ordering::SeqCst);
    ends.end_the_tenant().await.unwrap();
    trouble(&ends.replicas.cut).store(false, Ordering::SeqCst);
    until(&mut ends.watch, Kind::TenantRevoked).await;
}

// store.md, 6: OK once nobody relies on the session any more; and who watches misses nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ends_while_the_log_hangs_is_answered_in_time_and_told_when_it_can_be() {
    tokio::join!(while_the_log(Kept::Memory, |cut| &cut.hangs), while_the_log(Kept::Redis, |cut| &cut.hangs));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_ends_while_the_log_is_away_is_answered_in_time_and_told_when_it_can_be() {
    tokio::join!(while_the_log(Kept::Memory, |cut| &cut.off), while_the_log(Kept::Redis, |cut| &cut.off));
}

// More than is kept for later is told as one: nobody goes on with what may be old.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_missed_more_than_can_be_told_begins_anew() {
    for kept in [Kept::Memory, Kept::Redis] {
        let replicas = Replicas::over(kept).await;
        let door = Serving::of(&replicas.one).await;
        let mut watch = watch(&door, of(&[])).await;
        next(&mut watch).await;
        replicas.cut.off.store(true, Ordering::SeqCst);
        let authority = &replicas.two.authority;
        join_all((0..4097).map(|_| authority.announce(What::KeysRotated))).await;
        replicas.cut.off.store(false, Ordering::SeqCst);
        let until_reset = async { while !next(&mut watch).await.reset {} };
        timeout(Duration::from_secs(15), until_reset).await.unwrap_or_else(|_| panic!("{kept:?}: nobody said so"));
    }
}

// What nobody waits for is told too, however much is at work already.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_there_is_no_room_a_change_is_told_all_the_same() {
    const AFTER: Duration = Duration::from_mins(10);
    for kept in [Kept::Memory, Kept::Redis] {
        let crowded = Arc::new(Crowded::default());
        let beside = Arc::clone(&crowded);
        let rotating = |settings: &mut gatelodge::authority::settings::Settings| settings.rotation.after = Some(AFTER);
        let replicas = Replicas::with_other(kept, rotating, |ports| ports.beside = beside).await;
        let (one, two) = (Serving::of(&replicas.one).await, Serving::of(&replicas.two).await);
        let mut browser = Browser::default();
        replicas.one.log_in(&mut browser, "ada").await.result.unwrap();
        let mut sessions = two.sessions().await;
        let mut use_it = async || {
            let question = v1::ValidateSessionRequest { can_set_cookies: true, ..validation(&browser) };
            let answer = sessions.validate_session(by(Role::Edge, question)).await.unwrap().into_inner();
            let Some(v1::validate_session_response::Outcome::Active(active)) = answer.outcome else {
                panic!("{answer:?}")
            };
            browser.keep(&active.set_cookies);
        };
        let mut watch = watch(&one, of(&[Kind::Rotated])).await;
        use_it().await;
        replicas.one.clock.advance(AFTER + Duration::from_secs(1));
        crowded.set_room(false);
        use_it().await;
        use_it().await;
        let told = timeout(Duration::from_secs(15), until(&mut watch, Kind::Rotated)).await;
        told.unwrap_or_else(|_| panic!("{kept:?}: nobody was told"));
    }
}
