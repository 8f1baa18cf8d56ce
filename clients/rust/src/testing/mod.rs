//! Owns an authority for the tests of an application, in memory and without a network. Does not know a real one.
//!
//! ```
//! use gatelodge_client::testing::{FakeAuthority, Who};
//! use gatelodge_client::{Edge, EdgeOptions};
//! # use tower::ServiceExt as _;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let authority = FakeAuthority::new();
//! let edge = Edge::new(authority.client(), EdgeOptions::default())?;
//! edge.gate().ready().await;
//! let app = axum::Router::new()
//!     .route("/admin", axum::routing::get(|| async { "hello" }).layer(edge.gate().require().scopes(["admin"])));
//!
//! let ada = authority.sign_in(Who { user_id: "google_1".into(), scopes: vec!["admin".into()], ..Who::default() });
//! let request = http::Request::get("/admin").header("cookie", ada.cookie()).body(axum::body::Body::empty())?;
//! assert_eq!(app.clone().oneshot(request).await?.status(), 200);
//!
//! authority.away();
//! let request = http::Request::get("/admin").header("cookie", ada.cookie()).body(axum::body::Body::empty())?;
//! assert_eq!(app.oneshot(request).await?.status(), 503);
//! # Ok(())
//! # }
//! ```
//!
//! It answers as the real one does as far as an application can tell; every language's fake plays `clients/scenarios.json`.
//! It has no provider, and mints no tokens but those that the route set `spa` gives its front ends.

mod admin;
mod answers;
mod channels;
mod collecting;
mod devices;
mod events;
mod front_ends;
mod judge;
mod logins;
mod people;
mod sessions;
mod settings;
mod signed_in;
mod tokens;
mod wire;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::TcpListener;

use crate::chance;
use crate::client::Client;
use crate::v1;
use crate::v1::DeniedReason;
use events::Events;
use people::Kept;
pub use people::{State, Who};
pub use signed_in::SignedIn;
use tokens::Issued;
pub use tokens::{TokenOf, TokenState};

/// Long enough for what is in memory, short enough for tests of an authority that is slow.
const DEADLINE: Duration = Duration::from_millis(500);

/// An authority in memory, at which nobody is signed in. Clones are the same authority.
#[derive(Clone)]
pub struct FakeAuthority(Arc<Shared>);

type Shared = Mutex<World>;

/// All that the fake remembers.
struct World {
    trouble: Trouble,
    settings: v1::EdgeSettings,
    sessions: Vec<Kept>,
    logins: HashMap<String, LoginUnderWay>,
    next: Who,
    denial: Option<DeniedReason>,
    disabled: HashSet<String>,
    deleted: HashSet<String>,
    /// Keys that were made, by their id.
    caller_keys: BTreeMap<String, v1::CallerKey>,
    tokens: HashMap<String, Issued>,
    /// What logout tokens named that were carried out.
    carried_out: HashSet<String>,
    events: Events,
}

#[derive(Clone, Copy)]
enum Trouble {
    None,
    Away,
    Slow,
}

/// A login under way. There is no provider: the browser is sent straight on to the callback.
struct LoginUnderWay {
    binding: String,
    return_to: String,
    who: Who,
    code: String,
    progress: front_ends::Progress,
}

/// Why every living session is refused: see [`FakeAuthority::deny`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Denial {
    /// The CSRF token does not fit.
    Csrf,
    /// The request comes from elsewhere.
    Origin,
    /// A scope was not granted.
    Scope,
    /// The login is too old.
    LoginAge,
    /// A permission is missing.
    Permission,
    /// A role is missing.
    Role,
    /// The email address is not verified.
    Email,
    /// The login was not of the class that is needed.
    Acr,
    /// The login did not use the methods that are needed.
    Amr,
}

impl Default for FakeAuthority {
    fn default() -> Self {
        Self::new()
    }
}

impl FakeAuthority {
    /// An authority that has settings and knows nobody.
    #[must_use]
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(World::new())))
    }

    /// Makes it as it was when it was new: nobody is signed in, and nothing is in the way of anybody.
    pub fn reset(&self) {
        let mut world = self.world();
        let events = std::mem::take(&mut world.events);
        *world = World { events, ..World::new() };
        world.events.tell_all();
    }

    /// A client of this authority, with a deadline that suits tests: half a second. Call it inside a Tokio runtime.
    #[must_use]
    pub fn client(&self) -> Client {
        self.client_that_keeps(0)
    }

    /// As [`FakeAuthority::client`]; it keeps so many answers for a moment, as a client of a real authority does. Whatever
    /// a test does to the sessions, it hears of.
    #[must_use]
    pub fn client_that_keeps(&self, answers: usize) -> Client {
        Client::over(wire::channel(self), answers).with_deadline(DEADLINE)
    }

    /// Serves gRPC to whoever connects, in plaintext and with whatever API key: for a program of another process or
    /// another language. It ends when it is dropped.
    ///
    /// # Errors
    /// When nothing can be accepted there any more.
    pub async fn serve(self, listener: TcpListener) -> io::Result<()> {
        wire::serve(&self, listener).await
    }

    /// Makes a session, as if somebody had logged in.
    #[expect(clippy::must_use_candidate, reason = "a session may be made to be there, and no more")]
    pub fn sign_in(&self, who: Who) -> SignedIn {
        let mut world = self.world();
        SignedIn::new(self.clone(), world.remember(who).info.session_id)
    }

    /// Says whom the next logins through the edge's routes make a session for.
    pub fn logs_in_next(&self, who: Who) {
        self.world().next = who;
    }

    /// Changes the settings that edges ask for, and their version.
    pub fn configure(&self, change: impl FnOnce(&mut v1::EdgeSettings)) {
        let mut world = self.world();
        world.settings.version = unguessable();
        change(&mut world.settings);
    }

    /// Makes every call fail as if nothing listened there, until [`FakeAuthority::back`].
    pub fn away(&self) {
        self.be(Trouble::Away);
    }

    /// Makes no call get an answer within its deadline, until [`FakeAuthority::back`].
    pub fn slow(&self) {
        self.be(Trouble::Slow);
    }

    /// Ends [`FakeAuthority::away`] and [`FakeAuthority::slow`].
    pub fn back(&self) {
        self.world().trouble = Trouble::None;
    }

    fn be(&self, trouble: Trouble) {
        let mut world = self.world();
        world.trouble = trouble;
        world.events.break_off();
    }

    /// Makes every living session be refused for this reason; nothing ends it. `None` for an end of that.
    pub fn deny(&self, reason: Option<Denial>) {
        let mut world = self.world();
        world.denial = reason.map(|reason| match reason {
            Denial::Csrf => DeniedReason::CsrfInvalid,
            Denial::Origin => DeniedReason::OriginRefused,
            Denial::Scope => DeniedReason::ScopeMissing,
            Denial::LoginAge => DeniedReason::LoginTooOld,
            Denial::Permission => DeniedReason::PermissionMissing,
            Denial::Role => DeniedReason::RoleMissing,
            Denial::Email => DeniedReason::EmailNotVerified,
            Denial::Acr => DeniedReason::AcrMissing,
            Denial::Amr => DeniedReason::AmrMissing,
        });
        world.events.tell_all();
    }

    fn world(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lets a call in, or not.
    async fn enter(&self) -> Result<(), tonic::Status> {
        let trouble = self.world().trouble;
        match trouble {
            Trouble::None => Ok(()),
            Trouble::Away => Err(answers::away()),
            Trouble::Slow => std::future::pending().await,
        }
    }
}

impl World {
    fn new() -> Self {
        Self {
            trouble: Trouble::None,
            settings: settings::usual(),
            sessions: Vec::new(),
            logins: HashMap::new(),
            next: Who::default(),
            denial: None,
            disabled: HashSet::new(),
            deleted: HashSet::new(),
            caller_keys: BTreeMap::new(),
            tokens: HashMap::new(),
            carried_out: HashSet::new(),
            events: Events::default(),
        }
    }
}

impl std::fmt::Debug for FakeAuthority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FakeAuthority").finish_non_exhaustive()
    }
}

fn unguessable() -> String {
    format!("{:016x}{:016x}", chance::number(), chance::number())
}
