//! Owns work that runs to its end even when its caller goes away, because it sends what is good once: a code, a
//! rotating refresh token. Does not know what it does.

use tokio_util::task::TaskTracker;
use tonic::Status;

use super::asked::Asked;
use super::status;
use crate::authority::{Call, Error};

/// Where such work runs. A server that stops waits for it.
#[derive(Clone, Debug)]
pub(super) struct Work(pub(super) TaskTracker);

impl Work {
    /// Runs the work for a call in a task of its own, which keeps the call's place. A panic fails this call alone.
    pub(super) async fn to_its_end<T, F>(&self, asked: Asked, work: impl FnOnce(Call) -> F) -> Result<T, Status>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let Asked { call, place, .. } = asked;
        let request_id = call.request_id.clone();
        let work = work(call);
        let task = self.0.spawn(async move {
            let _place = place;
            work.await
        });
        let done = task.await.unwrap_or_else(|panic| Err(Error::Internal(panic.into())));
        done.map_err(|error| status::of(&error, &request_id))
    }
}
