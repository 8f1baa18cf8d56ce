//! Shows that keys change on three replicas over one store, which learn of them at different times, while nobody is logged
//! out; and what a lost key takes with it. Does not know how a replica learns of keys.

use std::time::Duration;

use bytes::Bytes;
use gatelodge::authority::settings::{RouteSet, Settings};
use gatelodge::authority::validate_session::{Outcome, Question};
use gatelodge::authority::{Authority, Error, Memory, Ports};
use gatelodge::crypto::{Secret, key_id, key_id_text};
use gatelodge::session::key_ring::{Ring, RingKey};
use gatelodge::session::time::Timestamp;
use gatelodge::vault::{Rings, Vault};

use crate::world::{Browser, Counted, Kept, World, on_every_store, settings, state_of};

on_every_store! {
    three_replicas_change_their_keys_in_any_order_and_nobody_is_logged_out
    a_lost_key_is_trouble_and_no_logout_and_deletes_nothing
    a_key_whose_time_is_over_is_forgotten
}

pub(super) const DELAY: Duration = Duration::from_mins(10);

pub(super) fn key(name: &str, active_from: Option<Timestamp>) -> RingKey {
    RingKey { active_from, ..RingKey::steady(Secret::new(format!("a secret for a test: {name}"))) }
}

pub(super) fn lost(key: &RingKey) -> RingKey {
    RingKey { secret: None, ..key.clone() }
}

/// A ring for sessions, and one for CSRF tokens of the same names.
fn rings(keys: &[RingKey]) -> [Ring; 2] {
    let other = |key: &RingKey| {
        let secret = key.secret.as_ref().map(|secret| Secret::new(format!("csrf {}", secret.expose())));
        RingKey { id: secret.as_ref().map_or(key.id, key_id), secret, ..key.clone() }
    };
    [Ring::new(keys.to_vec()), Ring::new(keys.iter().map(other))]
}

/// Front ends collect their sessions too.
fn served() -> Settings {
    Settings { route_sets: vec![RouteSet::Web, RouteSet::Api], ..settings() }
}

/// A replica: what it remembers, and the ring that it has learnt of.
pub(super) struct Replica {
    pub(super) world: World,
    pub(super) ports: Ports,
    memory: Memory,
    rings: [Ring; 2],
}

impl Replica {
    pub(super) fn learn(&mut self, keys: &[RingKey]) {
        self.rings = rings(keys);
        self.turn();
    }

    /// Puts the keys in force that are those of this time, as `app::live` does.
    pub(super) fn turn(&mut self) {
        let now = self.ports.clock.now();
        let [session, csrf] = &self.rings;
        let vault = Vault::with(settings().tenant, &Rings::two(&session.at(now), &csrf.at(now)));
        self.world.authority = Authority::with(self.ports.clone(), vault, served(), &self.memory);
        self.memory.forget_what_was_opened();
    }
}

pub(super) async fn replicas(kept: Kept, keys: &[RingKey]) -> [Replica; 3] {
    let (first, ports) = World::kept_in(kept).await;
    [(); 3].map(|()| {
        let world =
            World { authority: first.authority.clone(), clock: first.clock.clone(), provider: first.provider.clone() };
        let memory = Memory::new(&Counted::default(), settings().cache);
        let mut replica = Replica { world, ports: ports.clone(), memory, rings: rings(keys) };
        replica.turn();
        replica
    })
}

/// A person with a session, and the CSRF token of their page.
struct Person {
    browser: Browser,
    token: Secret,
}

async fn person(at: &Replica, sub: &str) -> Person {
    let mut browser = Browser::default();
    at.world.log_in(&mut browser, sub).await.result.unwrap();
    let presented = browser.fetch("GET", "/auth/me");
    let question = Question { presented, issue_csrf_token: true, ..Question::default() };
    match at.world.authority.validate_session(&World::call(), question).await.unwrap() {
        Outcome::Active(active) => Person { browser, token: active.csrf_token.unwrap() },
        other => panic!("{other:?}"),
    }
}

/// Lets a person's page change something, under strict fingerprints, at a replica.
async fn ask(at: &Replica, person: &Person) -> Result<Outcome, Error> {
    let presented = person.browser.with("POST", "/orders", |context| {
        context.csrf_token = Some(Bytes::copy_from_slice(person.token.expose().as_bytes()));
        context.origin = Some(Bytes::from_static(b"https://app.example.com"));
    });
    let question = Question { presented, touch: true, can_set_cookies: true, ..Question::default() };
    at.world.authority.validate_session(&World::call(), question).await
}

async fn everybody_is_served(replicas: &[Replica; 3], people: &[Person], when: &str) {
    for (number, replica) in replicas.iter().enumerate() {
        for (which, person) in people.iter().enumerate() {
            let outcome = ask(replica, person).await;
            assert!(matches!(outcome, Ok(Outcome::Active(_))), "{when}: {which} at {number}: {outcome:?}");
        }
    }
}

/// A login that begins at one replica, ends at another, and is delivered once more at a third: the same session.
async fn login_across([first, second, third]: [&Replica; 3], sub: &str) -> Person {
    let mut browser = Browser::default();
    let started = first.world.start(&browser, "").await;
    browser.keep(&started.answer.set_cookies);
    let query = format!("code={}&state={}", first.world.provider.code_for(sub), state_of(&started.answer));
    let outcome = second.world.callback(&browser, &query).await;
    let again = third.world.callback(&browser, &query).await;
    let of = |answer: &[String]| {
        let mut browser = Browser::default();
        browser.keep(answer);
        browser.cookie("__Host-session").map(str::to_owned)
    };
    let cookie = of(&outcome.answer.set_cookies);
    assert!(cookie.is_some(), "{:?}", outcome.result);
    assert_eq!(of(&again.answer.set_cookies), cookie, "a kept answer");
    browser.keep(&outcome.answer.set_cookies);
    let presented = browser.fetch("GET", "/auth/me");
    let question = Question { presented, issue_csrf_token: true, ..Question::default() };
    match third.world.authority.validate_session(&World::call(), question).await.unwrap() {
        Outcome::Active(active) => Person { browser, token: active.csrf_token.unwrap() },
        other => panic!("{other:?}"),
    }
}

/// Which key signed a credential.
fn signed_by(person: &Person) -> String {
    use base64::Engine as _;
    let text = person.browser.cookie("__Host-session").unwrap().strip_prefix("sess_").unwrap();
    let bytes = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(text).unwrap();
    let id: [u8; 4] = bytes[bytes.len() - 20..bytes.len() - 16].try_into().unwrap();
    key_id_text(id)
}

// store.md 2: every order in which three replicas learn of a key before its date, some at the same moment.
async fn three_replicas_change_their_keys_in_any_order_and_nobody_is_logged_out(kept: Kept) {
    for order in 0..27_u32 {
        let moments = [order % 3, order / 3 % 3, order / 9];
        let old = key("old", None);
        let mut replicas = replicas(kept, std::slice::from_ref(&old)).await;
        let clock = replicas[0].world.clock.clone();
        let new = key("new", Some(replicas[0].ports.clock.now() + DELAY));
        let mut people = vec![person(&replicas[0], "ada").await];
        for moment in 0..3 {
            for (replica, own) in replicas.iter_mut().zip(moments) {
                if own == moment {
                    replica.learn(&[old.clone(), new.clone()]);
                }
            }
            let at = moment as usize;
            let [a, b, c] = [0, 1, 2].map(|turn| &replicas[(at + turn) % 3]);
            people.push(login_across([a, b, c], &format!("before{moment}")).await);
            everybody_is_served(&replicas, &people, &format!("{moments:?} at {moment}")).await;
            clock.advance(DELAY / 4);
        }
        assert!(people.iter().all(|person| signed_by(person) == key_id_text(old.id)), "nobody uses it before its date");
        clock.advance(DELAY / 4);
        // Each notices its date at a moment of its own.
        for turned in 0..3 {
            replicas[(order as usize + turned) % 3].turn();
            let [a, b, c] = [0, 1, 2].map(|turn| &replicas[(turned + turn) % 3]);
            people.push(login_across([a, b, c], &format!("after{turned}")).await);
            everybody_is_served(&replicas, &people, &format!("{moments:?}, {turned} turned")).await;
        }
        let last = person(&replicas[1], "last").await;
        assert_eq!(signed_by(&last), key_id_text(new.id));
        people.push(last);
        everybody_is_served(&replicas, &people, "in the end").await;
        for replica in &replicas {
            assert!(replica.world.authority.get_user("idp_ada").await.is_ok());
        }
    }
}

async fn a_lost_key_is_trouble_and_no_logout_and_deletes_nothing(kept: Kept) {
    let (old, new) = (key("old", None), key("new", None));
    let mut all = replicas(kept, std::slice::from_ref(&old)).await;
    let ada = person(&all[0], "ada").await;
    let count = async |replica: &Replica| replica.ports.sessions.count(settings().tenant).await.unwrap();
    assert_eq!(count(&all[0]).await, 1);
    for replica in &mut all {
        replica.learn(&[lost(&old), new.clone()]);
    }
    for replica in &all {
        // The credential, the user.
        let outcomes = [ask(replica, &ada).await.err(), replica.world.authority.get_user("idp_ada").await.err()];
        for (outcome, kind) in outcomes.into_iter().zip(["a credential", "a user's profile"]) {
            let Some(error @ Error::KeyUnavailable(_)) = outcome else { panic!("{kind}: {outcome:?}") };
            let cause = std::error::Error::source(&error).unwrap().to_string();
            assert!(cause.contains(&key_id_text(old.id)) && cause.contains(kind), "{cause}");
        }
    }
    assert_eq!(count(&all[0]).await, 1, "nothing is deleted");
    // Others go on, and so does she once it is back.
    let bob = person(&all[1], "bob").await;
    assert!(matches!(ask(&all[2], &bob).await, Ok(Outcome::Active(_))));
    all[0].learn(&[old, new]);
    let outcome = ask(&all[0], &ada).await;
    assert!(matches!(outcome, Ok(Outcome::Active(_))), "{outcome:?}");
}

async fn a_key_whose_time_is_over_is_forgotten(kept: Kept) {
    let mut all = replicas(kept, &[key("old", None)]).await;
    let ada = person(&all[0], "ada").await;
    let end = all[0].ports.clock.now() + DELAY;
    let keys = [RingKey { retire_after: Some(end), ..key("old", None) }, key("new", Some(end - DELAY / 2))];
    for replica in &mut all {
        replica.learn(&keys);
    }
    all[0].world.clock.advance(DELAY / 2);
    all.iter_mut().for_each(Replica::turn);
    assert_eq!(all[0].world.authority.reseal_users().await.unwrap(), 1, "what has no end is sealed anew before");
    assert!(matches!(ask(&all[1], &ada).await, Ok(Outcome::Active(_))));
    all[0].world.clock.advance(DELAY / 2);
    all.iter_mut().for_each(Replica::turn);
    for replica in &all {
        assert!(matches!(ask(replica, &ada).await, Ok(Outcome::Inactive(_))), "its credentials are nobody's");
        assert!(replica.world.authority.get_user("idp_ada").await.is_ok());
    }
}
