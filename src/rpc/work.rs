//! Owns work that runs to its end even when its caller goes away, because it sends what is good once (a code, a rotating
//! refresh token), or ends what others have to be told of. Does not know what it does.

use tokio_util::task::TaskTracker;
use tonic::{Code, Status};
use tracing::Instrument as _;

use super::asked::Asked;
use super::places::{Place, Places};
use super::shares::Shares;
use super::status;
use super::v1::ErrorReason;
use crate::authority::tenants::Found;
use crate::authority::{Authority, Call, Error};

/// Where such work runs. A server that stops waits for it.
#[derive(Clone, Debug)]
pub(super) struct Work {
    pub(super) tasks: TaskTracker,
    pub(super) shares: Shares,
    /// The places of logout tokens: anybody can send those, and each costs a signature or a wait for the provider.
    pub(super) logout_tokens: Places,
}

/// How many logout tokens may be at work at once (security.md 93).
const LOGOUT_TOKENS: usize = 16;

impl Work {
    pub(super) fn new(tasks: TaskTracker, shares: Shares) -> Self {
        Self { tasks, shares, logout_tokens: Places::new(LOGOUT_TOKENS) }
    }

    /// A place for a logout token, before anything of it is read.
    pub(super) fn place_for_logout_token(&self, request_id: &str) -> Result<Place, Status> {
        self.logout_tokens.take().ok_or_else(|| {
            let message = "too many logout tokens are at work; send it again";
            status::plain(Code::ResourceExhausted, ErrorReason::Overloaded, message, request_id)
        })
    }

    /// Runs the work for a call in a task of its own, which keeps the call's place and its tenant's share. A panic fails
    /// this call alone.
    pub(super) async fn to_its_end<T, F>(
        &self,
        asked: Asked,
        found: &Found<'_>,
        work: impl FnOnce(Call, Authority) -> F,
    ) -> Result<T, Status>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let share = self.shares.take(found, &asked.call.request_id)?;
        self.run(asked, found, work, share).await
    }

    /// The same for work that ends sessions and waits for no provider: it needs no share. What has ended is told, whoever
    /// asked for it.
    pub(super) async fn ending<T, F>(
        &self,
        asked: Asked,
        found: &Found<'_>,
        work: impl FnOnce(Call, Authority) -> F,
    ) -> Result<T, Status>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        self.run(asked, found, work, None).await
    }

    async fn run<T, F>(
        &self,
        asked: Asked,
        found: &Found<'_>,
        work: impl FnOnce(Call, Authority) -> F,
        share: Option<Place>,
    ) -> Result<T, Status>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let Asked { call, place, .. } = asked;
        let request_id = call.request_id.clone();
        let work = work(call, found.clone_authority());
        let done = async move {
            let _held = (place, share);
            work.await
        };
        let task = self.tasks.spawn(done.in_current_span());
        let done = task.await.unwrap_or_else(|panic| Err(Error::Internal(panic.into())));
        done.map_err(|error| status::of(&error, &request_id))
    }
}
