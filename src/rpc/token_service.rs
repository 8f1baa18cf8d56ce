//! Owns the gRPC side of TokenService: parse, ask, answer. Decides nothing.

use tonic::{Request, Response, Status};

use super::asked::asked;
use super::shares::Shares;
use super::v1::token_service_server::TokenService;
use super::{status, token_answers, token_questions, v1};
use crate::authority::tenants::Tenants;

/// TokenService for tenants.
#[derive(Clone)]
pub(super) struct Tokens {
    pub(super) tenants: Tenants,
    pub(super) shares: Shares,
}

#[tonic::async_trait]
impl TokenService for Tokens {
    async fn validate_token(
        &self,
        request: Request<v1::ValidateTokenRequest>,
    ) -> Result<Response<v1::ValidateTokenResponse>, Status> {
        let (asked, tenancy) = (asked(), self.tenants.now());
        let failed = |error| status::of(&error, &asked.call.request_id);
        let question = token_questions::validate_token(request.into_inner(), &tenancy.limits()).map_err(failed)?;
        let authority = tenancy.for_token(&asked.asker, question.context.as_deref()).map_err(failed)?;
        let _share = self.shares.take(&authority, &asked.call.request_id)?;
        let outcome = authority.validate_token(&asked.call, &question).await.map_err(failed)?;
        Ok(Response::new(token_answers::validated(outcome, authority.tenant_name())))
    }

    async fn mint_token(
        &self,
        request: Request<v1::MintTokenRequest>,
    ) -> Result<Response<v1::MintTokenResponse>, Status> {
        let (asked, tenancy) = (asked(), self.tenants.now());
        let failed = |error| status::of(&error, &asked.call.request_id);
        let question = token_questions::mint_token(request.into_inner(), &tenancy.limits()).map_err(failed)?;
        let authority = tenancy.for_presented(&asked.asker, &question.presented).await.map_err(failed)?;
        let outcome = authority.mint_token(&asked.call, &question).await.map_err(failed)?;
        Ok(Response::new(token_answers::mint_outcome(outcome)))
    }

    async fn get_jwks(&self, _: Request<v1::GetJwksRequest>) -> Result<Response<v1::GetJwksResponse>, Status> {
        let (asked, tenancy) = (asked(), self.tenants.now());
        let failed = |error| status::of(&error, &asked.call.request_id);
        let outcome = tenancy.for_caller(&asked.asker).map_err(failed)?.get_jwks().await.map_err(failed)?;
        Ok(Response::new(token_answers::jwks(outcome)))
    }
}
