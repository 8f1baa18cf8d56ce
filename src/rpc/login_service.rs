//! Owns the gRPC side of LoginService: parse, ask, answer. Decides nothing.

use tonic::{Request, Response, Status};

use super::asked::asked;
use super::once::{self, asked_once};
use super::v1::login_service_server::LoginService;
use super::work::Work;
use super::{answers, fields, questions, status, v1};
use crate::authority::tenants::{Tenancy, Tenants};
use crate::authority::{Authority, start_logout};

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
        let (asked, tenancy) = (asked_once(&request)?, self.tenants.now());
        let failed = |error| status::of(&error, &asked.call.request_id);
        let question = questions::start_login(request.into_inner(), &tenancy.limits()).map_err(failed)?;
        let whose = asked.asker.clone();
        let found = tenancy.for_login(&whose, &question).map_err(failed)?;
        let share = self.work.shares.take(&found, &asked.call.request_id)?;
        let (is_known, version) = (found.is_known(), found.settings_version());
        let work = |call, authority: Authority| async move {
            let outcome = if is_known {
                authority.start_login(&call, question).await?
            } else {
                Tenancy::refuse_login(&call, &question.presented)
            };
            Ok(answers::began(outcome, version))
        };
        self.work.with_its_call(asked, &found, share, work).await
    }

    async fn complete_callback(
        &self,
        request: Request<v1::CompleteCallbackRequest>,
    ) -> Result<Response<v1::CompleteCallbackResponse>, Status> {
        let request = once::keyed_by_header(request);
        let (asked, tenancy) = (asked_once(&request)?, self.tenants.now());
        let failed = |error| status::of(&error, &asked.call.request_id);
        let question = questions::complete_callback(request.into_inner(), &tenancy.limits()).map_err(failed)?;
        let whose = asked.asker.clone();
        let found = tenancy.for_callback(&whose, &question).map_err(failed)?;
        let version = found.settings_version();
        let work = |call, authority: Authority| async move {
            let outcome = authority.complete_callback(&call, question).await?;
            Ok(answers::completed(outcome, authority.tenant_name(), &version))
        };
        self.work.to_its_end(asked, &found, work).await
    }

    async fn start_logout(
        &self,
        request: Request<v1::StartLogoutRequest>,
    ) -> Result<Response<v1::StartLogoutResponse>, Status> {
        let (asked, tenancy) = (asked_once(&request)?, self.tenants.now());
        let failed = |error| status::of(&error, &asked.call.request_id);
        let question = questions::start_logout(request.into_inner(), &tenancy.limits()).map_err(failed)?;
        let whose = asked.asker.clone();
        let found = tenancy.for_presented(&whose, &question.presented).await.map_err(failed)?;
        let version = found.settings_version();
        let shown = |outcome: start_logout::Outcome, authority: &Authority| v1::StartLogoutResponse {
            answer: Some(answers::http(outcome.answer)),
            revoked_count: u32::try_from(outcome.ended).unwrap_or(u32::MAX),
            settings_version: version,
            event_position: answers::position(authority.announced_up_to()),
        };
        if !found.is_known() {
            let outcome = Tenancy::refuse_logout(&asked.call, &question.presented);
            return Ok(Response::new(shown(outcome, &found)));
        }
        let work = |call, authority: Authority| async move {
            Ok(shown(authority.start_logout(&call, question).await?, &authority))
        };
        self.work.to_its_end(asked, &found, work).await
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
        let (asked, tenancy) = (asked_once(&request)?, self.tenants.now());
        let failed = |error| status::of(&error, &asked.call.request_id);
        let place = self.work.place_for_logout_token(&asked.call.request_id)?;
        let question = questions::backchannel_logout(request.into_inner(), &tenancy.limits()).map_err(failed)?;
        let whose = asked.asker.clone();
        let found = tenancy.for_backchannel_logout(&whose, &question).map_err(failed)?;
        let settings_version = found.settings_version();
        let work = |call, authority: Authority| async move {
            let outcome = authority.handle_backchannel_logout(&call, &question).await?;
            Ok(v1::HandleBackchannelLogoutResponse {
                answer: Some(answers::http(outcome.answer)),
                revoked_count: u32::try_from(outcome.ended).unwrap_or(u32::MAX),
                settings_version,
                event_position: answers::position(authority.announced_up_to()),
            })
        };
        self.work.carrying_out(place, asked, &found, work).await
    }

    async fn handle_frontchannel_logout(
        &self,
        request: Request<v1::HandleFrontchannelLogoutRequest>,
    ) -> Result<Response<v1::HandleFrontchannelLogoutResponse>, Status> {
        let (asked, tenancy) = (asked_once(&request)?, self.tenants.now());
        let failed = |error| status::of(&error, &asked.call.request_id);
        let question = questions::frontchannel_logout(request.into_inner(), &tenancy.limits()).map_err(failed)?;
        let whose = asked.asker.clone();
        let found = tenancy.for_frontchannel_logout(&whose, &question).map_err(failed)?;
        let settings_version = found.settings_version();
        let work = |call, authority: Authority| async move {
            let outcome = authority.handle_frontchannel_logout(&call, &question).await?;
            Ok(v1::HandleFrontchannelLogoutResponse {
                answer: Some(answers::http(outcome.answer)),
                revoked_count: u32::try_from(outcome.ended).unwrap_or(u32::MAX),
                settings_version,
                event_position: answers::position(authority.announced_up_to()),
            })
        };
        self.work.ending(asked, &found, work).await
    }
}
