//! Owns work that runs to its end even when its caller goes away, because it sends what is good once (a code, a rotating
//! refresh token), or ends what others have to be told of. Does not know what it does.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use tonic::metadata::MetadataValue;
use tonic::{Code, Response, Status};
use tracing::Instrument as _;

use super::asked::Asked;
use super::once::{Answer, written};
use super::places::{Place, Places};
use super::shares::Shares;
use super::status;
use super::tasks::Tasks;
use super::v1::ErrorReason;
use crate::authority::answer_once::Beginning;
use crate::authority::tenants::Found;
use crate::authority::{Authority, Call, Error};

/// Where such work runs. A server that stops waits for it.
#[derive(Clone, Debug)]
pub(super) struct Work {
    pub(super) tasks: Tasks,
    pub(super) shares: Shares,
    /// The places of logout tokens: anybody can send those, and each costs a signature or a wait for the provider.
    logout_tokens: Places,
    /// The places of what is done, and waits until others have been told: while the event log hangs there are many.
    telling: Places,
}

/// How many logout tokens may be at work at once (security.md 93).
const LOGOUT_TOKENS: usize = 16;
/// How many may wait for others to be told, for each call that may be at work: they cost memory alone.
const TELLING_FOR_EACH: usize = 4;

/// Says of an answer that an earlier call with the same idempotency key was given it.
const REPEATED: &str = "idempotency-repeated";

impl Work {
    pub(super) fn new(tasks: Tasks, shares: Shares, calls: &Places) -> Self {
        let telling = Places::new(calls.most().saturating_mul(TELLING_FOR_EACH));
        Self { tasks, shares, logout_tokens: Places::new(LOGOUT_TOKENS), telling }
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
    ) -> Result<Response<T>, Status>
    where
        T: Answer,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let share = self.shares.take(found, &asked.call.request_id)?;
        self.run(asked, found, work, share).await
    }

    /// The same for a logout token, which has a place of its own beside that of its call.
    pub(super) async fn carrying_out<T, F>(
        &self,
        token: Place,
        asked: Asked,
        found: &Found<'_>,
        work: impl FnOnce(Call, Authority) -> F,
    ) -> Result<Response<T>, Status>
    where
        T: Answer,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let share = self.shares.take(found, &asked.call.request_id)?;
        self.run(asked, found, work, share.into_iter().chain([token])).await
    }

    /// The same for work that ends sessions and waits for no provider: it needs no share. What has ended is told, whoever
    /// asked for it.
    pub(super) async fn ending<T, F>(
        &self,
        asked: Asked,
        found: &Found<'_>,
        work: impl FnOnce(Call, Authority) -> F,
    ) -> Result<Response<T>, Status>
    where
        T: Answer,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        self.run(asked, found, work, None).await
    }

    /// Does the work with its call, which ends it when it goes away; to its end where the call brings an idempotency key, so
    /// that a repeat finds its answer. `share` is what it needs of its tenant's.
    pub(super) async fn with_its_call<T, F>(
        &self,
        asked: Asked,
        found: &Found<'_>,
        share: Option<Place>,
        work: impl FnOnce(Call, Authority) -> F,
    ) -> Result<Response<T>, Status>
    where
        T: Answer,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        if asked.named.is_some() {
            return self.run(asked, found, work, share).await;
        }
        let Asked { call, place: _place, .. } = asked;
        let request_id = call.request_id.clone();
        let done = work(call, found.clone_authority()).await;
        done.map(Response::new).map_err(|error| status::of(&error, &request_id))
    }

    async fn run<T, F>(
        &self,
        asked: Asked,
        found: &Found<'_>,
        work: impl FnOnce(Call, Authority) -> F,
        more: impl IntoIterator<Item = Place>,
    ) -> Result<Response<T>, Status>
    where
        T: Answer,
        F: Future<Output = Result<T, Error>> + Send + 'static,
    {
        let Asked { call, place, named, .. } = asked;
        let request_id = call.request_id.clone();
        let failed = |error| status::of(&error, &request_id);
        let mut begun = None;
        if let Some(named) = named {
            match found.begin_once(&call, &named).await.map_err(failed)? {
                Beginning::Answered(bytes) => return repeated(&bytes).map_err(failed),
                Beginning::Claimed(claimed) => begun = Some(claimed),
                Beginning::NotKept => (),
            }
        }
        let held = Held::all(place.into_iter().chain(more));
        let authority = found.clone_authority().calling_when_only_telling(held.exchange_for(&self.telling));
        let work = work(call, authority);
        let done = async move {
            let _held = held;
            match begun {
                Some(claimed) => claimed.through(work, written).await,
                None => work.await,
            }
        };
        let task = self.tasks.spawn(done.in_current_span());
        let done = match task.await {
            Ok(done) => done.unwrap_or_else(|| Err(Error::Internal("cut off: the server stops".into()))),
            Err(panic) => Err(Error::Internal(panic.into())),
        };
        done.map(Response::new).map_err(failed)
    }
}

/// An answer that was kept.
fn repeated<T: Answer>(bytes: &[u8]) -> Result<Response<T>, Error> {
    let mut answer = T::decode(bytes).map_err(|error| Error::Internal(error.into()))?;
    answer.tell_again();
    let mut answer = Response::new(answer);
    answer.metadata_mut().insert(REPEATED, MetadataValue::from_static("true"));
    Ok(answer)
}

/// The places that a call holds while it is at work.
struct Held(Arc<Mutex<Vec<Place>>>);

impl Held {
    fn all(places: impl Iterator<Item = Place>) -> Self {
        Self(Arc::new(Mutex::new(places.collect())))
    }

    /// Gives them all back for one of these, and keeps them where there is none. What outlives the call holds nothing.
    fn exchange_for(&self, others: &Places) -> impl Fn() + Send + Sync + use<> {
        let (held, others) = (Arc::downgrade(&self.0), others.clone());
        move || {
            if let (Some(held), Some(other)) = (Weak::upgrade(&held), others.take()) {
                *held.lock().unwrap_or_else(PoisonError::into_inner) = vec![other];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_tells_has_one_place_among_its_like_as_long_as_there_is_one() {
        let (calls, telling) = (Places::new(4), Places::new(1));
        let taken = || (calls.taken(), telling.taken());
        let held = [(); 2].map(|()| Held::all(calls.take().into_iter().chain(calls.take())));
        let exchange = held.each_ref().map(|held| held.exchange_for(&telling));
        exchange[0]();
        assert_eq!(taken(), (2, 1));
        exchange[1]();
        assert_eq!(taken(), (2, 1), "there is none left for it");
        drop(held);
        exchange[0]();
        assert_eq!(taken(), (0, 0));
    }
}
