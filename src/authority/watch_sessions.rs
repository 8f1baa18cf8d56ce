//! Owns the use case WatchSessions: what happens to sessions, told to those who keep something for as long as they live.
//! Does not know how it is sent.

use std::time::Duration;

use futures::future::{BoxFuture, Either, select};
use futures::{FutureExt as _, Stream, StreamExt as _, stream};

use super::Authority;
use super::stream::{HEARTBEAT_EVERY, News, Subscription};
use super::tenants::Scope;
use crate::session::event::{Event, Position, What};
use crate::session::key::SessionKey;
use crate::session::mark::MarkTarget;

/// How many events one message tells at most.
const AT_ONCE: usize = 512;

/// The question.
#[derive(Clone, Debug, Default)]
pub struct Question {
    /// What to be told of; none for everything.
    pub kinds: Vec<Kind>,
    /// Where to go on; `None` for from now on.
    pub after: Option<Position>,
}

/// What can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A session has ended.
    Revoked,
    /// A session has another credential.
    Rotated,
    /// A session has other tokens.
    Refreshed,
    /// Something else about a session has changed.
    Changed,
    /// Every session of a user has ended.
    UserRevoked,
    /// A user may not log in any more, and every session of theirs has ended.
    UserDisabled,
    /// Every session that a provider's logins had made has ended.
    ProviderRevoked,
    /// Every session has ended.
    TenantRevoked,
    /// Other keys sign the tokens that are minted, or judge credentials.
    KeysRotated,
}

/// Something that has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Happened {
    /// What it is.
    pub kind: Kind,
    /// The session it happened to, if it was one.
    pub session: Option<SessionKey>,
    /// The provider it is about, if it is about one.
    pub provider: Option<String>,
}

/// What is told at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// What has happened since what was told before, in order.
    pub events: Vec<Happened>,
    /// Up to where everything has been told; `None` while nothing was heard.
    pub position: Option<Position>,
    /// Something may have been missed: nothing of before is to be relied on.
    pub reset: bool,
    /// Nothing that is told rests on anything older; `None` while this authority does not hear of everything.
    pub max_staleness: Option<Duration>,
}

struct Watch {
    authority: Authority,
    whose: Scope,
    kinds: Vec<Kind>,
    subscription: Subscription,
    told: Told,
    tick: BoxFuture<'static, ()>,
}

impl Authority {
    /// Tells what happens to this tenant's sessions, at least each second, for as long as it is listened to. Whoever is
    /// too slow is told a reset.
    pub fn watch_sessions(&self, question: Question) -> impl Stream<Item = Told> + Send + use<> {
        self.watch_sessions_of(Scope::one(self.settings.tenant), question)
    }

    /// The same for the sessions of these tenants.
    pub(super) fn watch_sessions_of(
        &self,
        whose: Scope,
        question: Question,
    ) -> impl Stream<Item = Told> + Send + use<> {
        let mut subscription = self.stream.subscribe_after(&whose, question.after);
        let mut told = Told { position: subscription.position, ..Told::default() };
        told.reset = subscription.missed.is_none();
        let missed = subscription.missed.take().unwrap_or_default();
        // The first message comes at once.
        let (authority, kinds, tick) = (self.clone(), question.kinds, futures::future::ready(()).boxed());
        let mut watch = Watch { authority, whose, kinds, subscription, told, tick };
        for event in missed {
            watch.add(event);
        }
        stream::unfold(watch, |mut watch| async move { Some((watch.next().await, watch)) })
    }
}

impl Watch {
    /// Waits for the next message.
    async fn next(&mut self) -> Told {
        while self.told.events.is_empty() && !self.told.reset {
            match select(self.subscription.news.next(), &mut self.tick).await {
                Either::Left((news, _)) => self.take(news),
                Either::Right(_) => break,
            }
        }
        while self.told.events.len() < AT_ONCE
            && let Some(news) = self.subscription.news.next().now_or_never()
        {
            self.take(news);
        }
        self.tick = self.authority.ports.beside.pause(HEARTBEAT_EVERY);
        let cache = self.authority.settings.cache.filter(|_| self.authority.hears_everything());
        let position = self.told.position;
        let told = std::mem::replace(&mut self.told, Told { position, ..Told::default() });
        Told { max_staleness: cache.map(|cache| cache.max_staleness), ..told }
    }

    fn take(&mut self, news: Option<News>) {
        match news {
            Some(News::Event(position, event)) => {
                self.told.position = self.told.position.max(Some(position));
                self.add(event);
            }
            Some(News::Reset(position)) => self.reset(Some(position)),
            // Too much was waiting.
            None => {
                self.subscription = self.authority.stream.subscribe_after(&self.whose, None);
                self.reset(self.subscription.position);
            }
        }
    }

    fn reset(&mut self, position: Option<Position>) {
        self.told = Told { position, reset: true, ..Told::default() };
    }

    fn add(&mut self, event: Event) {
        let wanted = |kind| self.kinds.is_empty() || self.kinds.contains(&kind);
        self.told.events.extend(happened(event.what).filter(|happened| wanted(happened.kind)));
    }
}

fn happened(what: What) -> Option<Happened> {
    let of = |kind, session| Some(Happened { kind, session: Some(session), provider: None });
    let more = |kind, provider| Some(Happened { kind, session: None, provider });
    match what {
        What::Revoked(key) => of(Kind::Revoked, key),
        What::Rotated(key) => of(Kind::Rotated, key),
        What::Refreshed { session, .. } => of(Kind::Refreshed, session),
        What::Changed(key) => of(Kind::Changed, key),
        What::UserRevoked(_) => more(Kind::UserRevoked, None),
        What::UserDisabled(_) => more(Kind::UserDisabled, None),
        What::Marked { target: MarkTarget::Provider(_, name), .. } => more(Kind::ProviderRevoked, Some(name)),
        What::Marked { .. } => more(Kind::TenantRevoked, None),
        What::KeysRotated => more(Kind::KeysRotated, None),
        What::UserEnabled(_)
        | What::ProviderSessionEnded { .. }
        | What::CallerRevoked(_)
        | What::Heartbeat { .. }
        | What::Reset
        | What::Unknown(_) => None,
    }
}
