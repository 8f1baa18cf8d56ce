//! Owns the gRPC side of LoginService: parse, ask, answer. Decides nothing.

use tonic::{Request, Response, Status};

use super::asked::asked;
use super::v1::login_service_server::LoginService;
use super::work::Work;
use super::{answers, fields, questions, status, v1};
use crate::authority::Authority;
use crate::authority::tenants::{Tenancy, Tenants};

/// LoginService for tenants.
#[derive(Clone)]
pub(super) struct Logins {
    pub(super) tenants: Tenants,
    pub(super) work: Work,
}

#[tonic::async_trait]
impl LoginService for Logins {
    async fn get_edge_settings(
        &self,
        request: Request<v1::GetEdgeSettingsRequest>,
    ) -> Result<Response<v1::GetEdgeSettingsResponse>, Status> {
        let (asked, tenancy) = (asked(), self.tenants.now());
        let told = tenancy.edge_settings(&asked.asker, &request.into_inner().host);
        let (settings, others) = told.map_err(|error| status::of(&error, &asked.call.request_id))?;
        Ok(Response::new(v1::GetEdgeSettingsResponse {
            settings: Some(answers::edge_settings(settings)),
            others: others.into_iter().map(answers::edge_settings).collect(),
        }))
    }

    async fn list_providers(
        &self,
        request: Request<v1::LoginServiceListProvidersRequest>,
    ) -> Result<Response<v1::LoginServiceListProvidersResponse>, Status> {
        let (asked, tenancy, request) = (asked(), self.tenants.now(), request.into_inner());
        let failed = |error| status::of(&error, &asked.call.request_id);
        let authority = tenancy.for_caller(&asked.asker).map_err(failed)?;
        let size = fields::page_size(request.page_size).map_err(failed)?;
        let start = fields::offset(&request.page_token).map_err(failed)?;
        let all = authority.list_providers();
        let end = start.saturating_add(size);
        let next_page_token = if end < all.len() { end.to_string() } else { String::new() };
        let provider = |entry: crate::authority::list_providers::ProviderEntry| v1::Provider {
            name: entry.name,
            display_name: entry.display_name,
            login_path: entry.login_path,
        };
        let providers = all.into_iter().skip(start).take(size).map(provider).collect();
        Ok(Response::new(v1::LoginServiceListProvidersResponse {
            providers,
            next_page_token,
            settings_version: authority.settings_version(),
        }))
    }

    async fn start_login(
        &self,
        request: Request<v1::StartLoginRequest>,
    ) -> Result<Response<v1::StartLoginResponse>, Status> {
        let (asked, tenancy) = (asked(), self.tenants.now());
        let failed = |error| status::of(&error, &asked.call.request_id);
        let question = questions::start_login(request.into_inner(), &tenancy.limits()).map_err(failed)?;
        let authority = tenancy.for_login(&asked.asker, &question).map_err(failed)?;
        let _share = self.work.shares.take(&authority, &asked.call.request_id)?;
        let outcome = if authority.is_known() {
            authority.start_login(&asked.call, question).await.map_err(failed)?
        } else {
            Tenancy::refuse_login(&asked.call, &question.presented)
        };
        Ok(Response::new(v1::StartLoginResponse {
            answer: Some(answers::http(outcome.answer)),
            failure: outcome.failure.map(|failure| answers::login_failure(failure).into()),
            settings_version: authority.settings_version(),
        }))
    }

    async fn complete_callback(
        &self,
        request: Request<v1::CompleteCallbackRequest>,
    ) -> Result<Response<v1::CompleteCallbackResponse>, Status> {
        let (asked, tenancy) = (asked(), self.tenants.now());
        let failed = |error| status::of(&error, &asked.call.request_id);
        let question = questions::complete_callback(request.into_inner(), &tenancy.limits()).map_err(failed)?;
        let whose = asked.asker.clone();
        let found = tenancy.for_callback(&whose, &question).map_err(failed)?;
        let work = |call, authority: Authority| async move { authority.complete_callback(&call, question).await };
        let outcome = self.work.to_its_end(asked, &found, work).await?;
        Ok(Response::new(answers::completed(outcome, found.tenant_name(), &found.settings_version())))
    }

    async fn start_logout(
        &self,
        request: Request<v1::StartLogoutRequest>,
    ) -> Result<Response<v1::StartLogoutResponse>, Status> {
        let (asked, tenancy) = (asked(), self.tenants.now());
        let failed = |error| status::of(&error, &asked.call.request_id);
        let question = questions::start_logout(request.into_inner(), &tenancy.limits()).map_err(failed)?;
        let whose = asked.asker.clone();
        let authority = tenancy.for_presented(&whose, &question.presented).await.map_err(failed)?;
        let outcome = if authority.is_known() {
            let work = |call, authority: Authority| async move { authority.start_logout(&call, question).await };
            self.work.to_its_end(asked, &authority, work).await?
        } else {
            Tenancy::refuse_logout(&asked.call, &question.presented)
        };
        Ok(Response::new(v1::StartLogoutResponse {
            answer: Some(answers::http(outcome.answer)),
            revoked_count: u32::try_from(outcome.ended).unwrap_or(u32::MAX),
            settings_version: authority.settings_version(),
            event_position: answers::position(authority.announced_up_to()),
        }))
    }

    async fn complete_logout(
        &self,
        request: Request<v1::CompleteLogoutRequest>,
    ) -> Result<Response<v1::CompleteLogoutResponse>, Status> {
        let (asked, tenancy) = (asked(), self.tenants.now());
        let failed = |error| status::of(&error, &asked.call.request_id);
        let question = questions::complete_logout(request.into_inner(), &tenancy.limits()).map_err(failed)?;
        let authority = tenancy.for_logged_out(&asked.asker, &question).map_err(failed)?;
        let answer = authority.complete_logout(&asked.call, &question);
        Ok(Response::new(v1::CompleteLogoutResponse {
            answer: Some(answers::http(answer)),
            settings_version: authority.settings_version(),
        }))
    }

    async fn handle_backchannel_logout(
        &self,
        request: Request<v1::HandleBackchannelLogoutRequest>,
    ) -> Result<Response<v1::HandleBackchannelLogoutResponse>, Status> {
        let (asked, tenancy) = (asked(), self.tenants.now());
        let failed = |error| status::of(&error, &asked.call.request_id);
        let place = self.work.place_for_logout_token(&asked.call.request_id)?;
        let question = questions::backchannel_logout(request.into_inner(), &tenancy.limits()).map_err(failed)?;
        let whose = asked.asker.clone();
        let found = tenancy.for_backchannel_logout(&whose, &question).map_err(failed)?;
        let work =
            |call, authority: Authority| async move { authority.handle_backchannel_logout(&call, &question).await };
        let outcome = self.work.carrying_out(place, asked, &found, work).await?;
        Ok(Response::new(v1::HandleBackchannelLogoutResponse {
            answer: Some(answers::http(outcome.answer)),
            revoked_count: u32::try_from(outcome.ended).unwrap_or(u32::MAX),
            settings_version: found.settings_version(),
            event_position: answers::position(found.announced_up_to()),
        }))
    }

    async fn handle_frontchannel_logout(
        &self,
        request: Request<v1::HandleFrontchannelLogoutRequest>,
    ) -> Result<Response<v1::HandleFrontchannelLogoutResponse>, Status> {
        let (asked, tenancy) = (asked(), self.tenants.now());
        let failed = |error| status::of(&error, &asked.call.request_id);
        let question = questions::frontchannel_logout(request.into_inner(), &tenancy.limits()).map_err(failed)?;
        let whose = asked.asker.clone();
        let authority = tenancy.for_frontchannel_logout(&whose, &question).map_err(failed)?;
        let work =
            |call, authority: Authority| async move { authority.handle_frontchannel_logout(&call, &question).await };
        let outcome = self.work.ending(asked, &authority, work).await?;
        Ok(Response::new(v1::HandleFrontchannelLogoutResponse {
            answer: Some(answers::http(outcome.answer)),
            revoked_count: u32::try_from(outcome.ended).unwrap_or(u32::MAX),
            settings_version: authority.settings_version(),
            event_position: answers::position(authority.announced_up_to()),
        }))
    }
}
