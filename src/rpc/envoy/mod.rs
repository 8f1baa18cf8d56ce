//! Owns Envoy's external authorization (ext_authz): a proxy asks before it lets a request through. Does not know a session:
//! it is ValidateSession, asked and answered in other words.

mod answer;
mod behind;
mod pieces;
mod question;

use tonic::{Request, Response, Status};

use self::wire::{CheckRequest, CheckResponse, authorization_server};
use super::asked::{self, asked};
use super::status;
use crate::authority::Error;
use crate::authority::tenants::Tenants;
use crate::authority::validate_session::{AtOnce, Outcome};
use question::{Asked, Envelope};

/// The generated code of the part of Envoy's contract that is spoken here, for those who ask.
#[expect(
    clippy::all,
    clippy::pedantic,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    reason = "generated; the contract's comments are its documentation"
)]
pub mod v3 {
    tonic::include_proto!("envoy.service.auth.v3");
}

/// The same as it is read and written here: `build.rs` says how.
#[expect(
    clippy::all,
    clippy::pedantic,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    reason = "generated"
)]
pub(super) mod wire {
    tonic::include_proto!("wire/envoy.service.auth.v3");
}

/// The service, for tenants.
#[derive(Clone)]
pub(super) struct Authorization {
    pub(super) tenants: Tenants,
}

#[tonic::async_trait]
impl authorization_server::Authorization for Authorization {
    async fn check(&self, request: Request<CheckRequest>) -> Result<Response<CheckResponse>, Status> {
        let mut noted = asked();
        let envelope = Envelope::open(request.into_inner());
        let question = envelope.read();
        let named = question.as_ref().ok().and_then(Asked::request_id);
        if let Some(id) = named.filter(|id| asked::is_harmless(id.as_bytes())) {
            id.clone_into(&mut noted.call.request_id);
        }
        let answer = async { self.answer(&noted, question?).await };
        let answer = answer.await.unwrap_or_else(|error| {
            let request_id = &noted.call.request_id;
            // A caller's own field is an operator's mistake here, and nobody sees the status: so it goes to the log.
            if let Error::InvalidField { field, expected } = &error {
                tracing::error!(field, expected, request_id, "a proxy's question can't be read");
            }
            answer::could_not_say(&status::of(&error, request_id), request_id)
        });
        Ok(Response::new(answer))
    }
}

impl Authorization {
    async fn answer(&self, noted: &asked::Asked, asked: Asked<'_>) -> Result<CheckResponse, Error> {
        let tenancy = self.tenants.now();
        let asked = asked.meant()?;
        let mut question = asked.question(&tenancy.limits())?;
        let found = tenancy.for_presented(&noted.asker, &question.presented).await?;
        asked.believe(&found)?;
        if let Some(context) = &mut question.presented.context {
            context.csrf_token = asked.header(found.csrf_header());
            context.place = found.place_header().and_then(|name| asked.header(name));
        }
        let is_required = asked.needs_session()?;
        let outcome = match found.validate_at_once(&noted.call, &mut question)? {
            AtOnce::Answered(outcome) => outcome,
            // Boxed, so that a check which is answered at once needs less room.
            AtOnce::Open(open) => Box::pin(found.validate_open(&noted.call, &mut question, open)).await?,
        };
        Ok(match outcome {
            Outcome::Active(active) => answer::active(&active, &asked, &found),
            Outcome::Inactive(_) if !is_required => answer::nobody(&asked, &found),
            Outcome::Inactive(inactive) => answer::refused(inactive.answer, &noted.call.request_id),
            Outcome::Denied(denied) => answer::refused(denied.answer, &noted.call.request_id),
        })
    }
}
