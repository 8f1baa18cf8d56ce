//! Owns the gRPC side of TokenService: parse, ask, answer. Decides nothing.

use tonic::{Request, Response, Status};

use super::asked::asked;
use super::v1::token_service_server::TokenService;
use super::{status, token_answers, token_questions, v1};
use crate::authority::Authority;

/// TokenService over an authority.
#[derive(Clone)]
pub(super) struct Tokens {
    pub(super) authority: Authority,
}

#[tonic::async_trait]
impl TokenService for Tokens {
    async fn validate_token(
        &self,
        request: Request<v1::ValidateTokenRequest>,
    ) -> Result<Response<v1::ValidateTokenResponse>, Status> {
        let call = asked().call;
        let failed = |error| status::of(&error, &call.request_id);
        let question = token_questions::validate_token(request.into_inner()).map_err(failed)?;
        let outcome = self.authority.validate_token(&call, &question).await.map_err(failed)?;
        Ok(Response::new(token_answers::validated(outcome, self.authority.tenant_name())))
    }

    async fn mint_token(
        &self,
        request: Request<v1::MintTokenRequest>,
    ) -> Result<Response<v1::MintTokenResponse>, Status> {
        let call = asked().call;
        let failed = |error| status::of(&error, &call.request_id);
        let question = token_questions::mint_token(request.into_inner(), &self.authority.limits()).map_err(failed)?;
        let outcome = self.authority.mint_token(&call, &question).await.map_err(failed)?;
        Ok(Response::new(token_answers::minted(outcome)))
    }

    async fn get_jwks(&self, _: Request<v1::GetJwksRequest>) -> Result<Response<v1::GetJwksResponse>, Status> {
        let call = asked().call;
        let outcome = self.authority.get_jwks().await.map_err(|error| status::of(&error, &call.request_id))?;
        Ok(Response::new(token_answers::jwks(outcome)))
    }
}
