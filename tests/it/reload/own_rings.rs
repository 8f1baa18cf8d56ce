//! Shows rings that have keys of their own: each turns by itself, and nobody is logged out; a key that is lost takes with it what
//! `docs/operations.md` says of its ring, and nothing else. Does not know how a replica learns of keys.

use std::time::Duration;

use bytes::Bytes;
use gatelodge::authority::{Authority, Memory, Ports};
use gatelodge::rpc::policy::Role;
use gatelodge::session::key_ring::{Ring, RingKey};
use gatelodge::session::time::Timestamp;
use gatelodge::vault::{Rings, Vault};
use gatelodge_client::v1;
use gatelodge_client::v1::token_service_client::TokenServiceClient;
use gatelodge_client::v1::validate_session_response::Outcome;

use super::replicas::{DELAY, key, lost};
use crate::rpc::reason;
use crate::rpc::serving::{Serving, by, context, cookies};
use crate::world::{Browser, Counted, Kept, World, on_every_store, settings, state_of};

on_every_store! {
    each_ring_turns_by_itself_and_nobody_is_logged_out
    a_lost_key_takes_with_it_what_its_ring_is_for_and_nothing_else
}

const NAMES: [&str; 6] = ["session", "csrf", "sealing", "fingerprint", "answers", "minting"];

/// A replica, each of whose rings has keys of its own.
struct Own {
    world: World,
    ports: Ports,
    memory: Memory,
    rings: [Ring; 6],
}

/// The key of that name in a ring, which no other ring has.
fn own(ring: usize, name: &str, active_from: Option<Timestamp>) -> RingKey {
    key(&format!("{} {name}", NAMES[ring]), active_from)
}

async fn pair(kept: Kept) -> [Own; 2] {
    let (first, ports) = World::kept_in(kept).await;
    [(); 2].map(|()| {
        let world =
            World { authority: first.authority.clone(), clock: first.clock.clone(), provider: first.provider.clone() };
        let memory = Memory::new(&Counted::default(), settings().cache);
        let rings = std::array::from_fn(|ring| Ring::new([own(ring, "old", None)]));
        let mut replica = Own { world, ports: ports.clone(), memory, rings };
        replica.turn();
        replica
    })
}

impl Own {
    fn learn(&mut self, ring: usize, keys: impl IntoIterator<Item = RingKey>) {
        self.rings[ring] = Ring::new(keys);
        self.turn();
    }

    /// Puts the keys in force that are those of this time, as `app::live` does.
    fn turn(&mut self) {
        let now = self.ports.clock.now();
        let [session, csrf, sealing, fingerprint, answers, minting] = self.rings.each_ref().map(|ring| ring.at(now));
        let rings = Rings { session, csrf, sealing, fingerprint, answers, minting };
        let vault = Vault::with(settings().tenant, &rings);
        self.world.authority = Authority::with(self.ports.clone(), vault, settings(), &self.memory);
        self.memory.forget_what_was_opened();
    }
}

/// Somebody who has logged in: the page's CSRF token, and what came back from the provider, to be delivered again.
struct Person {
    browser: Browser,
    token: String,
    callback: v1::CompleteCallbackRequest,
    minted: String,
}

async fn person(at: &Own, sub: &str) -> Person {
    let (serving, mut browser) = (Serving::of(&at.world).await, Browser::default());
    let started = at.world.start(&browser, "").await;
    browser.keep(&started.answer.set_cookies);
    let query = format!("code={}&state={}", at.world.provider.code_for(sub), state_of(&started.answer));
    let callback = v1::CompleteCallbackRequest {
        response: Some(v1::complete_callback_request::Response::Query(query.into())),
        cookies: cookies(&browser),
        context: Some(context("GET", "/auth/web/callback")),
        ..Default::default()
    };
    let done = serving.logins().await.complete_callback(by(Role::Edge, callback.clone())).await.unwrap().into_inner();
    browser.keep(&done.answer.unwrap().set_cookies);
    let question = v1::ValidateSessionRequest { issue_csrf_token: true, ..asking(&browser, "GET", "") };
    let answer = serving.sessions().await.validate_session(by(Role::Edge, question)).await.unwrap().into_inner();
    let Some(Outcome::Active(active)) = answer.outcome else { panic!("{answer:?}") };
    let wanted = v1::MintTokenRequest {
        cookies: cookies(&browser),
        audience: "https://orders.example.com".into(),
        ..Default::default()
    };
    let mut tokens = TokenServiceClient::new(serving.channel().await);
    let minted = tokens.mint_token(by(Role::Backend, wanted)).await.unwrap().into_inner();
    let Some(v1::mint_token_response::Outcome::Minted(minted)) = minted.outcome else { panic!("{minted:?}") };
    Person { browser, token: active.csrf_token, callback, minted: minted.value }
}

fn asking(browser: &Browser, method: &'static str, token: &str) -> v1::ValidateSessionRequest {
    let csrf_token = (!token.is_empty()).then(|| Bytes::copy_from_slice(token.as_bytes()));
    let context = Some(v1::RequestContext { csrf_token, ..context(method, "/orders") });
    v1::ValidateSessionRequest { cookies: cookies(browser), context, ..Default::default() }
}

/// What each of a person's requests comes to, in a word: a page, a change of the page's, the callback delivered again, a minted
/// token, and an admin's look at the user.
async fn said(at: &Own, person: &Person) -> [String; 5] {
    let serving = Serving::of(&at.world).await;
    let ask = async |question| match serving.sessions().await.validate_session(by(Role::Edge, question)).await {
        Ok(answer) => match answer.into_inner().outcome.unwrap() {
            Outcome::Active(_) => "active".to_owned(),
            Outcome::Inactive(inactive) => inactive.reason().as_str_name().to_owned(),
            Outcome::Denied(denied) => denied.reason().as_str_name().to_owned(),
        },
        Err(status) => reason(&status),
    };
    let again = match serving.logins().await.complete_callback(by(Role::Edge, person.callback.clone())).await {
        Ok(answer) => {
            let mut browser = Browser::default();
            browser.keep(&answer.into_inner().answer.unwrap().set_cookies);
            let cookie = browser.cookie("__Host-session");
            if cookie.is_some() && cookie == person.browser.cookie("__Host-session") { "same" } else { "none" }
                .to_owned()
        }
        Err(status) => reason(&status),
    };
    let mut tokens = TokenServiceClient::new(serving.channel().await);
    let question = v1::ValidateTokenRequest { token: person.minted.clone().into(), ..Default::default() };
    let token = match tokens.validate_token(by(Role::Backend, question)).await {
        Ok(answer) => match answer.into_inner().outcome.unwrap() {
            v1::validate_token_response::Outcome::Active(_) => "active".to_owned(),
            other => format!("{other:?}"),
        },
        Err(status) => reason(&status),
    };
    let user = v1::GetUserRequest { user_id: "idp_ada".into() };
    let user = match serving.admin().await.get_user(by(Role::Admin, user)).await {
        Ok(_) => "there".to_owned(),
        Err(status) => reason(&status),
    };
    let page = ask(asking(&person.browser, "GET", "")).await;
    let change = ask(asking(&person.browser, "POST", &person.token)).await;
    [page, change, again, token, user]
}

const WELL: [&str; 5] = ["active", "active", "same", "active", "there"];

// store.md, 2: a ring of its own has dates of its own.
async fn each_ring_turns_by_itself_and_nobody_is_logged_out(kept: Kept) {
    for (ring, name) in NAMES.into_iter().enumerate() {
        let mut both = pair(kept).await;
        let clock = both[0].world.clock.clone();
        let keys = [own(ring, "old", None), own(ring, "new", Some(both[0].ports.clock.now() + DELAY))];
        both[0].learn(ring, keys.clone());
        let ada = person(&both[0], "ada").await;
        assert_eq!(said(&both[1], &ada).await, WELL, "{name}: the other has not heard of it");
        both[1].learn(ring, keys);
        clock.advance(DELAY.saturating_sub(Duration::from_secs(10)));
        let bob = person(&both[1], "bob").await;
        clock.advance(Duration::from_secs(10));
        both[1].turn();
        let eve = person(&both[1], "eve").await;
        for turned in [false, true] {
            if turned {
                both[0].turn();
            }
            for replica in &both {
                for person in [&bob, &eve] {
                    assert_eq!(said(replica, person).await, WELL, "{name} turned: {turned}");
                }
                // Her token and the repetition of her callback are over by now.
                assert_eq!(said(replica, &ada).await[..2], WELL[..2], "{name} turned: {turned}");
            }
        }
    }
}

/// Trouble, in a word.
const GONE: &str = "KEY_UNAVAILABLE";
/// What is said where the only key of a ring is lost, ring by ring.
const WITHOUT: [[&str; 5]; 6] = [
    [GONE, GONE, "none", "active", "there"],
    ["active", "DENIED_REASON_CSRF_INVALID", "same", "active", "there"],
    [GONE, GONE, GONE, GONE, GONE],
    [GONE, GONE, "same", "active", "there"],
    ["active", "active", "none", "active", "there"],
    ["active", "active", "same", GONE, "there"],
];

// The table of docs/operations.md.
async fn a_lost_key_takes_with_it_what_its_ring_is_for_and_nothing_else(kept: Kept) {
    for (ring, name) in NAMES.into_iter().enumerate() {
        let mut both = pair(kept).await;
        let ada = person(&both[0], "ada").await;
        both[1].learn(ring, [lost(&own(ring, "old", None)), own(ring, "new", None)]);
        assert_eq!(said(&both[1], &ada).await, WITHOUT[ring], "{name}");
        assert_eq!(said(&both[0], &ada).await, WELL, "{name}: the other has it");
        // Nothing is deleted for it.
        both[1].learn(ring, [own(ring, "old", None)]);
        assert_eq!(said(&both[1], &ada).await, WELL, "{name}: it is back");
    }
}
