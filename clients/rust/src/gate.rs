//! Owns a client together with the settings of an edge, which it keeps fresh. Does not know routes.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::AbortHandle;
use tokio::time::{sleep, timeout};

use crate::chance;
use crate::client::Client;
use crate::layer::SessionLayer;
use crate::layer::grpc::GrpcLayer;
use crate::settings::{Settings, Settled};
use crate::v1;

const FIRST_WAIT: Duration = Duration::from_millis(250);
/// So soon at least is an edge well again that began without an authority.
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// Two authorities that differ in their settings, as during a roll-out, make every second answer name another version.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);

/// A client with the settings of an edge. Cheap to clone; the settings are asked for as long as a clone lives.
#[derive(Clone, Debug)]
pub struct Gate(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    client: Client,
    settings: watch::Receiver<Option<Arc<Settled>>>,
    ask_now: Arc<Notify>,
    asking: AbortHandle,
}

impl Drop for Shared {
    fn drop(&mut self) {
        self.asking.abort();
    }
}

impl Gate {
    /// Begins to ask for the settings, and goes on until there are some. Call it inside a Tokio runtime.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self::with_watcher(client, |_| ())
    }

    /// As [`Gate::new`]; `on_change` sees all settings of a new version before a request does.
    pub(crate) fn with_watcher(client: Client, on_change: impl Fn(&Settings) + Send + 'static) -> Self {
        let (sender, settings) = watch::channel(None);
        let ask_now = Arc::new(Notify::new());
        let asking = tokio::spawn(keep_fresh(client.clone(), sender, Arc::clone(&ask_now), on_change)).abort_handle();
        Self(Arc::new(Shared { client, settings, ask_now, asking }))
    }

    /// Waits for the first settings: from then on requests are answered.
    pub async fn ready(&self) {
        let mut settings = self.0.settings.clone();
        let _ = settings.wait_for(Option::is_some).await;
    }

    /// The client.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.0.client
    }

    /// Validates the session of every request of an application's own routes: see [`SessionLayer`].
    #[must_use]
    pub fn layer(&self) -> SessionLayer {
        SessionLayer::new(self.clone(), false)
    }

    /// As [`Gate::layer`], for routes that nobody may enter without a session.
    #[must_use]
    pub fn require(&self) -> SessionLayer {
        SessionLayer::new(self.clone(), true)
    }

    /// Finds who is behind every call of a gRPC server: see [`GrpcLayer`].
    #[must_use]
    pub fn grpc(&self) -> GrpcLayer {
        GrpcLayer::new(self.clone(), false)
    }

    /// As [`Gate::grpc`], for servers that nobody may call unknown.
    #[must_use]
    pub fn require_grpc(&self) -> GrpcLayer {
        GrpcLayer::new(self.clone(), true)
    }

    /// The settings in force for requests with this Host, as far as is known.
    pub(crate) fn settings(&self, host: Option<&[u8]>) -> Option<Arc<Settings>> {
        self.0.settings.borrow().as_ref().map(|settled| Arc::clone(settled.of(host)))
    }

    /// Takes note of the version that an answer named. One that names none says nothing.
    pub(crate) fn saw_version(&self, version: &str) {
        let is_new = |held: &Option<Arc<Settled>>| held.as_ref().is_some_and(|held| held.version() != version);
        if !version.is_empty() && is_new(&self.0.settings.borrow()) {
            self.0.ask_now.notify_one();
        }
    }
}

/// **Invariant:** a failure never takes away settings that are there, and no request shortens the pause after one.
async fn keep_fresh(
    client: Client,
    sender: watch::Sender<Option<Arc<Settled>>>,
    ask_now: Arc<Notify>,
    on_change: impl Fn(&Settings),
) {
    let mut wait = FIRST_WAIT;
    loop {
        match ask(&client).await {
            Ok(settings) => {
                wait = FIRST_WAIT;
                let pause = settings.ask_again_after();
                let is_new = sender.borrow().as_ref().is_none_or(|held| held.version() != settings.version());
                if is_new {
                    tracing::info!(version = settings.version(), "settings of the edge are in force");
                    settings.all().for_each(|one| on_change(one));
                }
                sender.send_replace(Some(Arc::new(settings)));
                sleep(SHORTEST_PAUSE.min(pause)).await;
                let _ = timeout(pause.saturating_sub(SHORTEST_PAUSE), ask_now.notified()).await;
            }
            Err(trouble) => {
                tracing::warn!(trouble, kept = sender.borrow().is_some(), "no settings from the authority");
                wait = LONGEST_WAIT.min(wait * 2);
                sleep(chance::jittered(wait)).await;
            }
        }
    }
}

async fn ask(client: &Client) -> Result<Settled, String> {
    let question = v1::GetEdgeSettingsRequest::default();
    let answer = client.login().get_edge_settings(question).await.map_err(|error| match error.setting() {
        Some(setting) => format!("{error}: check {setting}"),
        None => error.to_string(),
    })?;
    if answer.settings.is_none() {
        return Err("the answer holds none".to_owned());
    }
    Settled::read(answer).map_err(|field| format!("the field {field} can't be used"))
}
