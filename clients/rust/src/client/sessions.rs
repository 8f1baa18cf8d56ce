//! Owns the calls of `SessionService`. Does not know where a credential came from.

use std::borrow::Borrow;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::time::{Instant, timeout_at};
use tokio_stream::Stream;
use tonic::{Response, Streaming};

use super::Client;
use super::call::Manner;
use super::changing::{Ended, Ending, Word};
use super::checks::Told;
use super::error::Error;
use super::kept::question::{Keeping, Key};
use super::kept::{Brought, Kept, Look};
use crate::v1;
use crate::v1::session_service_client::SessionServiceClient;
use crate::verdict::{Asked, Verdict};

/// What became of [`SessionCalls::check`].
#[derive(Clone, Debug)]
pub struct Checked {
    /// The outcome.
    pub verdict: Verdict,
    /// The version of the edge settings in force. Empty where the answer was kept: they may have changed since.
    pub settings_version: Arc<str>,
}

/// Asks about, uses and ends the session that a browser presented.
#[derive(Clone, Copy, Debug)]
pub struct SessionCalls<'a>(pub(super) &'a Client);

impl SessionCalls<'_> {
    /// Who is behind a credential, and whether this request may go ahead, unread: [`SessionCalls::check`] reads it.
    /// Where many are asked at the same moment they share a stream: see [`ClientOptions::check_stream`].
    ///
    /// [`ClientOptions::check_stream`]: super::options::ClientOptions::check_stream
    ///
    /// # Errors
    /// See [`Error`] and the method's reasons in the contract.
    pub async fn validate_session(
        &self,
        question: v1::ValidateSessionRequest,
    ) -> Result<v1::ValidateSessionResponse, Error> {
        let by_call =
            |channel, question| async move { SessionServiceClient::new(channel).validate_session(question).await };
        let Some(checks) = &self.0.shared.checks else { return self.0.call(Manner::SAFE, question, by_call).await };
        let _under_way = checks.begin();
        let (until, request_id) = (self.0.deadline(Manner::SAFE), self.0.request_id.as_ref());
        let caller = &self.0.shared.caller;
        self.0
            .call(Manner::SAFE, question, |channel, question| async move {
                let told = Told { question: question.get_ref(), until, request_id };
                match checks.ask(told, &channel, caller).await {
                    Some(answer) => answer.map(Response::new),
                    None => by_call(channel, question).await,
                }
            })
            .await
    }

    /// Asks many questions on one stream, unread: each has an `id`, and so has its answer. It stays with one authority until
    /// one side ends it. Prefer [`SessionCalls::check`], which shares a stream by itself where that pays, and brings deadlines,
    /// retries and a way round a stream that ends.
    ///
    /// # Errors
    /// See [`Error`] and the method's reasons in the contract.
    pub async fn check_sessions(
        &self,
        questions: impl Stream<Item = v1::CheckSessionsRequest> + Send + 'static,
    ) -> Result<Streaming<v1::CheckSessionsResponse>, Error> {
        let shared = &self.0.shared;
        let mut client = SessionServiceClient::new(shared.channel.clone());
        let opening = client.check_sessions(self.0.signed(questions));
        let opened =
            timeout_at(self.0.deadline(Manner::SAFE), opening).await.map_err(|_| Error::deadline_exceeded())?;
        let known = shared.known.load(Ordering::Relaxed);
        opened.map(Response::into_inner).map_err(|status| Error::from_status(&status, &shared.address, known))
    }

    /// Fetches new tokens from the provider with the session's refresh token, now.
    ///
    /// # Errors
    /// See [`Error`] and the method's reasons in the contract.
    pub async fn refresh_tokens(&self, question: v1::RefreshTokensRequest) -> Result<v1::RefreshTokensResponse, Error> {
        let cookies = question.cookies.clone();
        let call = self.0.call(Manner::SAFE_SLOW, question, |channel, question| async move {
            SessionServiceClient::new(channel).refresh_tokens(question).await
        });
        self.0.changing(&cookies, call).await
    }

    /// The session's access token, refreshed first when it lives shorter than asked for. An authority that is too old to
    /// know audiences would give a token for another one: that is an error.
    ///
    /// # Errors
    /// See [`Error`] and the method's reasons in the contract.
    pub async fn get_access_token(
        &self,
        question: v1::GetAccessTokenRequest,
    ) -> Result<v1::GetAccessTokenResponse, Error> {
        let audience = question.audience.clone();
        let answer = self
            .0
            .call(Manner::SAFE_SLOW, question, |channel, question| async move {
                SessionServiceClient::new(channel).get_access_token(question).await
            })
            .await?;
        match &answer.outcome {
            Some(v1::get_access_token_response::Outcome::AccessToken(token)) if token.audience != audience => {
                Err(Error::could_not_say("the token is not for the audience that was asked for; upgrade the authority"))
            }
            _ => Ok(answer),
        }
    }

    /// Who the session's user is, as it is known, or as the provider says now.
    ///
    /// # Errors
    /// See [`Error`] and the method's reasons in the contract.
    pub async fn get_user_info(&self, question: v1::GetUserInfoRequest) -> Result<v1::GetUserInfoResponse, Error> {
        let cookies = if question.refresh { question.cookies.clone() } else { Vec::new() };
        let call = self.0.call(Manner::SAFE_SLOW, question, |channel, question| async move {
            SessionServiceClient::new(channel).get_user_info(question).await
        });
        self.0.changing(&cookies, call).await
    }

    /// The living sessions of the presented session's user, the newest first, a page at a time.
    ///
    /// # Errors
    /// See [`Error`] and the method's reasons in the contract.
    pub async fn list_user_sessions(
        &self,
        question: v1::ListUserSessionsRequest,
    ) -> Result<v1::ListUserSessionsResponse, Error> {
        self.0
            .call(Manner::SAFE, question, |channel, question| async move {
                SessionServiceClient::new(channel).list_user_sessions(question).await
            })
            .await
    }

    /// What an application keeps with the session.
    ///
    /// # Errors
    /// See [`Error`] and the method's reasons in the contract.
    pub async fn get_attributes(&self, question: v1::GetAttributesRequest) -> Result<v1::GetAttributesResponse, Error> {
        self.0
            .call(Manner::SAFE, question, |channel, question| async move {
                SessionServiceClient::new(channel).get_attributes(question).await
            })
            .await
    }

    /// Changes what an application keeps with the session. Values that somebody else has changed since are the reason
    /// `VERSION_CONFLICT`: read them again, and decide again. It is sent once: a repeat could not tell its own first from
    /// somebody else's change.
    ///
    /// # Errors
    /// See [`Error`] and the method's reasons in the contract.
    pub async fn update_attributes(
        &self,
        question: v1::UpdateAttributesRequest,
    ) -> Result<v1::UpdateAttributesResponse, Error> {
        let cookies = question.cookies.clone();
        let call = self.0.call(Manner::ONCE, question, |channel, question| async move {
            SessionServiceClient::new(channel).update_attributes(question).await
        });
        self.0.changing(&cookies, call).await
    }

    /// Ends the presented session, or others of the same user.
    ///
    /// # Errors
    /// See [`Error`] and the method's reasons in the contract.
    pub async fn revoke(
        &self,
        question: v1::SessionServiceRevokeRequest,
    ) -> Result<v1::SessionServiceRevokeResponse, Error> {
        use v1::session_service_revoke_request::Target;
        let (cookies, target) = (question.cookies.clone(), question.target.clone());
        let call = self.0.answered(Manner::ENDS, question, |channel, question| async move {
            SessionServiceClient::new(channel).revoke(question).await
        });
        let told = |answer: &v1::SessionServiceRevokeResponse| {
            let ended = match target {
                // What has ended nothing costs nobody else anything.
                _ if answer.revoked_count == 0 => Ended::Nobodys,
                Some(Target::PresentedSession(_)) | None => Ended::Nobodys,
                Some(Target::SessionId(id)) => Ended::One(id),
                Some(_) => Ended::Anybodys,
            };
            Ending { ended, position: answer.event_position.clone() }
        };
        self.0.ending(&cookies, Word::Theirs, call, told).await
    }

    /// Asks as [`SessionCalls::validate_session`] does, and reads the answer as the contract says: every requirement
    /// that was asked for has to be among those that were judged, and an outcome that this client does not know is an
    /// error, never a yes or a no.
    ///
    /// # Errors
    /// When the authority could not say. Answer 503 and leave the browser's cookies alone.
    pub async fn check(&self, question: impl Borrow<v1::ValidateSessionRequest>) -> Result<Checked, Error> {
        let question = question.borrow();
        let asked = Asked::of(question);
        let Some(kept) = &self.0.shared.kept else { return Ok(self.ask(&asked, question.clone()).await?.0) };
        let (key, now) = (Key::of(question, &asked), Instant::now());
        match key.map(|key| kept.look(key, now)) {
            Some(Look::Known(checked)) => Ok(checked),
            // Boxed: what is known is most of what is asked, and needs little.
            look => Box::pin(self.find_out(kept, &asked, question, now, look)).await,
        }
    }

    /// Finds out what is not known, alone or together with others who ask the same, within one deadline.
    async fn find_out(
        &self,
        kept: &Arc<Kept>,
        asked: &Asked<'_>,
        question: &v1::ValidateSessionRequest,
        begun: Instant,
        mut look: Option<Look<'_>>,
    ) -> Result<Checked, Error> {
        let until = begun + self.0.deadline.unwrap_or(Manner::SAFE.deadline);
        let to_ask = || v1::ValidateSessionRequest { as_of_position: kept.known_up_to(), ..question.clone() };
        loop {
            match look {
                Some(Look::Known(checked)) => return Ok(checked),
                Some(Look::Ask(asking)) => {
                    let answer = self.ask(asked, to_ask()).await;
                    let (outcome, keeping) =
                        answer.map_or_else(|error| (Err(error), None), |(ok, keep)| (Ok(ok), keep));
                    asking.answer(&outcome, keeping);
                    return outcome;
                }
                Some(Look::Asked(mut answer)) => {
                    let shared = timeout_at(until, answer.wait_for(Option::is_some)).await;
                    let shared = shared.map_err(|_| Error::deadline_exceeded())?;
                    match shared.map(|shared| shared.clone()) {
                        Ok(Some(Brought::Same(outcome))) => return *outcome,
                        Ok(Some(Brought::Own)) => look = None,
                        // Who asked has gone away: somebody else asks.
                        Ok(None) | Err(_) => {
                            look = Key::of(question, asked).map(|key| kept.look(key, Instant::now()));
                        }
                    }
                }
                Some(Look::Alone) | None => break,
            }
        }
        let left = until.saturating_duration_since(Instant::now());
        let (checked, keeping) = SessionCalls(&self.0.with_deadline(left)).ask(asked, to_ask()).await?;
        if keeping.is_some() {
            kept.watch(&self.0.shared.channel, &self.0.shared.caller);
        }
        Ok(checked)
    }

    /// Asks, and answers how the answer may be kept.
    async fn ask(
        &self,
        asked: &Asked<'_>,
        question: v1::ValidateSessionRequest,
    ) -> Result<(Checked, Option<Keeping>), Error> {
        let answer = self.validate_session(question).await?;
        let keeping = Keeping::of(&answer);
        let checked =
            Checked { verdict: asked.read(answer.outcome)?, settings_version: answer.settings_version.into() };
        Ok((checked, keeping))
    }

    /// What happens to sessions from now on, or from a position on, until one side ends the stream. It is not made
    /// again by itself: call again with the last position. [`SessionCalls::check`] watches by itself where it keeps answers.
    ///
    /// # Errors
    /// See [`Error`] and the method's reasons in the contract.
    pub async fn watch_sessions(
        &self,
        question: v1::WatchSessionsRequest,
    ) -> Result<Streaming<v1::WatchSessionsResponse>, Error> {
        self.0
            .call(Manner::SAFE, question, |channel, mut question| async move {
                // It lasts: the deadline is for its beginning alone.
                question.metadata_mut().remove("grpc-timeout");
                SessionServiceClient::new(channel).watch_sessions(question).await
            })
            .await
    }
}
