//! WHAT THE AUTHORITY DOES. Owns the use cases, one file each, and the ports they need of the world.
//! Knows no transport, no store, no provider protocol; every use case can be run in a test with no network.

// Ports: what is needed of the world, and what is said to it.
pub mod answer_store;
pub mod audit_store;
pub mod caller_key_store;
pub mod error;
pub mod event_log;
pub mod login_store;
pub mod logout_store;
pub mod mint_key_store;
pub mod observer;
pub mod ports;
pub mod provider;
pub mod provider_health;
pub mod rate_store;
pub mod settings;
pub mod tenant_store;
pub mod user_store;

// What every call goes through: who asks, what a browser sent, and what is answered.
mod admit;
mod admit_to_use;
pub mod answer;
mod asked;
pub mod behind_proxy;
mod binding_cookie;
mod deny;
mod forgeries;
pub mod get_edge_settings;
mod judge_request;
mod rates;
mod refusals;
mod room;
mod share_forgeries;

// Calls with an idempotency key.
pub mod answer_once;
mod carry_out_once;
mod kept_answer;

// Logging in: from a provider's name to a session.
pub mod api_answer;
mod callback;
mod came_back;
mod choice_answer;
pub mod choose_sessions;
mod claims;
mod collect;
pub mod complete_callback;
pub mod list_providers;
pub mod login_answer;
mod make_session;
mod provider_trouble;
mod redeem;
mod remembered_name;
mod spa_answer;
pub mod start_login;
mod step_up;
mod wish;

// A session as it is used.
pub mod attributes;
mod changed;
mod check_sessions;
mod deliver;
pub mod get_attributes;
pub mod get_session;
mod rotate;
mod touch;
pub mod update_attributes;
pub mod validate_session;

// A session's tokens, and their refresh.
pub mod access_token;
mod exchange;
pub mod get_access_token;
pub mod get_user_info;
mod keep_tokens;
pub mod not_refreshed;
mod note_sending;
mod refresh;
mod refresh_beside;
mod refresh_refused;
pub mod refresh_tokens;

// Tokens without a session, and our own.
mod check_own_token;
pub mod get_jwks;
mod mint_keys;
pub mod mint_token;
mod own_token;
mod token_answer;
pub mod validate_token;
mod write_token;

// Logging out, here and at the provider.
pub mod complete_logout;
pub mod handle_backchannel_logout;
pub mod handle_frontchannel_logout;
pub mod logout_notice;
mod provider_session;
pub mod start_logout;

// Ending and seeing sessions from outside.
mod end;
mod end_as_of;
mod end_with_user;
pub mod list_sessions;
pub mod list_user_sessions;
pub mod preview_revoke;
pub mod revoke;
pub mod revoke_as_admin;
pub mod unreadable;

// Callers, and the keys that are made for them at run time.
pub mod caller;
pub mod caller_keys;
pub mod create_caller_key;
mod known_callers;
pub mod list_caller_keys;
mod listing_turns;
pub mod recognise_caller;
pub mod revoke_caller_key;

// Users.
mod change_standing;
pub mod delete_user;
pub mod disable_user;
pub mod enable_user;
pub mod get_user;
pub mod list_users;
mod open_standing;

// What outlives the keys that it is sealed with.
pub mod reseal;
mod reseal_caller_keys;
mod reseal_mint_keys;
mod reseal_users;

// What is written down of it all.
mod audit;
mod audit_left_out;
mod audit_queue;
mod audit_rooms;
mod audit_settings;
mod audit_writer;
pub mod explain_login;
pub mod list_audit;
pub mod trail;
pub mod watch_audit;

// What replicas remember, and how they hear of each other.
pub mod flights;
pub mod memory;
mod near;
mod recall;
pub mod stream;
mod telling;
mod under_way;
mod user_of_token;
pub mod watch_sessions;

// Many tenants.
pub mod tenants;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

pub use admit::SessionView;
pub use error::Error;
pub use memory::Memory;
pub use open_standing::OpenStanding;

use crate::session::key::TenantNumber;
use crate::session::request::{PresentedCookie, RequestContext};
use crate::vault::{NONCE_LEN, Vault};
use audit_queue::AuditQueue;
use forgeries::Forgeries;
use mint_keys::KeysAtHand;
use near::Near;
use observer::Observer;
use ports::{
    AnswerStore, AuditStore, Beside, CallerKeyStore, Clock, Entropy, EventLog, LoginStore, LogoutStore, MintKeyStore,
    Providers, RateStore, SessionStore, UserStore,
};
use refusals::Refusals;
use settings::Settings;
use stream::Stream;
use telling::Telling;
use under_way::UnderWay;

/// What the authority needs of the world.
#[derive(Clone)]
pub struct Ports {
    /// Keeps sessions.
    pub sessions: Arc<dyn SessionStore>,
    /// Keeps logins under way.
    pub logins: Arc<dyn LoginStore>,
    /// Keeps which logout tokens were carried out.
    pub logouts: Arc<dyn LogoutStore>,
    /// Keeps the answers of calls with an idempotency key.
    pub answers: Arc<dyn AnswerStore>,
    /// Counts how often clients do what is limited.
    pub rates: Arc<dyn RateStore>,
    /// Tells replicas what has happened.
    pub events: Arc<dyn EventLog>,
    /// Keeps users.
    pub users: Arc<dyn UserStore>,
    /// Keeps the keys that sign our own tokens.
    pub mint_keys: Arc<dyn MintKeyStore>,
    /// Keeps callers' keys.
    pub callers: Arc<dyn CallerKeyStore>,
    /// Keeps what is written down of what happened.
    pub audit: Arc<dyn AuditStore>,
    /// Speaks to identity providers.
    pub providers: Arc<dyn Providers>,
    /// The store's time: sessions, logins and all that this authority signs go by it, on every replica alike.
    pub clock: Arc<dyn Clock>,
    /// The world's time, by the machine's clock: for what providers sign, and nothing else.
    pub wall: Arc<dyn Clock>,
    /// Gives unpredictable bytes.
    pub entropy: Arc<dyn Entropy>,
    /// Runs work beside the answer.
    pub beside: Arc<dyn Beside>,
    /// Who looks on, if anybody does.
    pub observer: Option<Arc<dyn Observer>>,
}

/// The session authority of one tenant. Holds no state of its own that another replica lacks and could not learn.
#[derive(Clone)]
pub struct Authority {
    ports: Ports,
    vault: Arc<Vault>,
    settings: Arc<Settings>,
    settings_version: Arc<str>,
    session_cookie_names: Arc<[String]>,
    binding_cookie_names: [Arc<str>; 2],
    near: Arc<Near>,
    stream: Arc<Stream>,
    under_way: Arc<UnderWay>,
    keys_at_hand: Arc<KeysAtHand>,
    telling: Telling,
    refusals: Arc<Refusals>,
    forgeries: Arc<Forgeries>,
    audit_queue: Arc<AuditQueue>,
    among_many: bool,
    only_telling: Option<Arc<dyn Fn() + Send + Sync>>,
}

/// The call that a use case answers.
#[derive(Clone, Debug, Default)]
pub struct Call {
    /// Names the call in logs and error bodies.
    pub request_id: String,
    /// How long its caller waits for the answer, from when it came.
    pub patience: Duration,
    /// The caller's name, for the log; `None` for whoever needs no name.
    pub caller: Option<Arc<str>>,
    /// The address that the caller's connection came from.
    pub from: Option<IpAddr>,
}

impl Call {
    /// The caller's name, as the log has it.
    #[must_use]
    pub fn caller(&self) -> &str {
        self.caller.as_deref().unwrap_or_default()
    }
}

/// What a browser presented, as an edge or backend passed it on.
#[derive(Clone, Debug, Default)]
pub struct Presented {
    /// What came under session and binding cookie names.
    pub cookies: Vec<PresentedCookie>,
    /// What the edge saw of the request; the largest part of a question, by far.
    pub context: Option<Box<RequestContext>>,
}

impl Presented {
    /// The same, where only scripts ask: whatever the request accepts, the answer is JSON.
    #[must_use]
    pub fn of_script(mut self) -> Self {
        self.context = self.context.map(|context| Box::new(context.of_script()));
        self
    }
}

impl Authority {
    /// An authority over these ports, keys and settings, alone.
    #[must_use]
    pub fn new(ports: Ports, vault: Vault, settings: Settings) -> Self {
        let memory = Memory::new(ports.entropy.as_ref(), settings.cache);
        Self::with(ports, vault, settings, &memory)
    }

    /// An authority that goes on from a memory, which it may share with those of other tenants over the same store.
    #[must_use]
    pub fn with(ports: Ports, vault: Vault, settings: Settings, memory: &Memory) -> Self {
        let settings_version = get_edge_settings::version(&settings, ports.providers.as_ref());
        let session_cookie_names = settings.session_cookie_names().into();
        let binding_cookie_names = [false, true].map(|form_post| settings.binding_cookie_name(form_post).into());
        let (vault, settings) = (Arc::new(vault), Arc::new(settings));
        let stream = memory.stream(settings.tenant, ports.clock.running());
        let telling = Telling::of(ports.providers.as_ref());
        let audit_queue = memory.audit_queue(settings.tenant);
        let (keys_at_hand, under_way) = (memory.keys_at_hand(settings.tenant), memory.under_way(settings.tenant));
        let authority = Self {
            ports,
            vault,
            settings,
            settings_version: settings_version.into(),
            session_cookie_names,
            binding_cookie_names,
            near: Arc::clone(&memory.near),
            stream,
            under_way,
            keys_at_hand,
            telling,
            refusals: Arc::clone(&memory.refusals),
            forgeries: Arc::clone(&memory.forgeries),
            audit_queue,
            among_many: false,
            only_telling: None,
        };
        // One that comes after others may never be put in force.
        if authority.audit_queue.writer().is_none() {
            authority.take_effect();
        }
        authority
    }

    /// The version of the edge settings in force.
    #[must_use]
    pub fn settings_version(&self) -> &str {
        &self.settings_version
    }

    /// The tenant's name, as answers show it.
    #[must_use]
    pub fn tenant_name(&self) -> &str {
        &self.settings.tenant_name
    }

    /// The tenant's number.
    #[must_use]
    pub fn tenant_number(&self) -> TenantNumber {
        self.settings.tenant
    }

    /// How much of what a browser sent is read.
    #[must_use]
    pub fn limits(&self) -> settings::Limits {
        self.settings.limits
    }

    /// Whether the store answers: for health.
    ///
    /// # Errors
    /// When it does not.
    pub async fn check_store(&self) -> Result<(), Error> {
        Ok(self.ports.sessions.ping().await?)
    }

    fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.ports.entropy.fill(&mut bytes);
        bytes
    }

    fn nonce(&self) -> [u8; NONCE_LEN] {
        self.random()
    }
}
