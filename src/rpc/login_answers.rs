//! Owns the way from the answers of logins and settings to protobuf. Does not know the questions.

use super::answers::{duration, http, identity, shown_info};
use super::token_answers::minted;
use super::user_answers::user_session;
use super::v1;
use crate::authority::complete_callback::{self, Unfinished};
use crate::authority::get_edge_settings::EdgeSettings;
use crate::authority::login_answer::LoginFailure;
use crate::authority::settings::RouteSet;
use crate::authority::start_login;

pub(super) fn began(outcome: start_login::Outcome, settings_version: String) -> v1::StartLoginResponse {
    v1::StartLoginResponse {
        answer: Some(http(outcome.answer)),
        failure: outcome.failure.map(|failure| login_failure(failure).into()),
        settings_version,
    }
}

pub(super) fn completed(
    outcome: complete_callback::Outcome,
    tenant: &str,
    version: &str,
) -> v1::CompleteCallbackResponse {
    use v1::complete_callback_response::Outcome;
    let result = match outcome.result {
        Ok(session) => Outcome::Completed(v1::CompletedLogin {
            session: Some(shown_info(&session)),
            identity: Some(identity(&session.standing.identity, tenant)),
            new_user: outcome.first_login,
            token: outcome.token.as_ref().map(minted),
        }),
        Err(Unfinished::Failed(failure)) => Outcome::Failure(login_failure(failure).into()),
        Err(Unfinished::Waiting(waiting)) => Outcome::Waiting(v1::WaitingLogin {
            identity: Some(identity(&waiting.session.standing.identity, tenant)),
            sessions: waiting.sessions.iter().map(|session| user_session(session, false)).collect(),
            limit: u32::try_from(waiting.limit).unwrap_or(u32::MAX),
            wait: Some(duration(waiting.wait)),
        }),
    };
    v1::CompleteCallbackResponse {
        answer: Some(http(outcome.answer)),
        outcome: Some(result),
        settings_version: version.to_owned(),
    }
}

pub(super) const fn login_failure(failure: LoginFailure) -> v1::LoginFailure {
    match failure {
        LoginFailure::ProviderUnknown => v1::LoginFailure::ProviderUnknown,
        LoginFailure::RedirectNotAllowed => v1::LoginFailure::RedirectNotAllowed,
        LoginFailure::RequestMalformed => v1::LoginFailure::RequestMalformed,
        LoginFailure::StateInvalid => v1::LoginFailure::StateInvalid,
        LoginFailure::Expired => v1::LoginFailure::Expired,
        LoginFailure::OtherBrowser => v1::LoginFailure::OtherBrowser,
        LoginFailure::AlreadyComplete => v1::LoginFailure::AlreadyComplete,
        LoginFailure::Interrupted => v1::LoginFailure::Interrupted,
        LoginFailure::AccessDenied => v1::LoginFailure::AccessDenied,
        LoginFailure::ProviderError => v1::LoginFailure::ProviderError,
        LoginFailure::ProviderUnavailable => v1::LoginFailure::ProviderUnavailable,
        LoginFailure::IdentityRejected => v1::LoginFailure::IdentityRejected,
        LoginFailure::RevokedMeanwhile => v1::LoginFailure::RevokedMeanwhile,
        LoginFailure::TooManySessions => v1::LoginFailure::TooManySessions,
        LoginFailure::UserDisabled => v1::LoginFailure::UserDisabled,
        LoginFailure::Cancelled => v1::LoginFailure::Cancelled,
        LoginFailure::TenantUnknown => v1::LoginFailure::TenantUnknown,
        LoginFailure::LoginRequired => v1::LoginFailure::LoginRequired,
        LoginFailure::InteractionRequired => v1::LoginFailure::InteractionRequired,
        LoginFailure::ConsentRequired => v1::LoginFailure::ConsentRequired,
        LoginFailure::AccountSelectionRequired => v1::LoginFailure::AccountSelectionRequired,
        LoginFailure::AuthenticationUnmet => v1::LoginFailure::AuthenticationUnmet,
        LoginFailure::TooManyLogins => v1::LoginFailure::TooManyLogins,
        LoginFailure::TenantFull => v1::LoginFailure::TenantFull,
        LoginFailure::CodeRefused => v1::LoginFailure::CodeRefused,
    }
}

const fn route_set(set: RouteSet) -> v1::RouteSet {
    match set {
        RouteSet::Web => v1::RouteSet::Web,
        RouteSet::Api => v1::RouteSet::Api,
        RouteSet::Spa => v1::RouteSet::Spa,
        RouteSet::Proxy => v1::RouteSet::Proxy,
    }
}

pub(super) fn edge_settings(settings: EdgeSettings) -> v1::EdgeSettings {
    let number = |limit: usize| u32::try_from(limit).unwrap_or(u32::MAX);
    let callback = |(set, provider, url)| v1::CallbackAddress { route_set: route_set(set).into(), provider, url };
    v1::EdgeSettings {
        version: settings.version,
        ask_again_after: Some(duration(settings.ask_again_after)),
        session_cookie_names: settings.session_cookie_names,
        binding_cookie_names: settings.binding_cookie_names,
        public_base_url: settings.public_base_url,
        callback_addresses: settings.callback_addresses.into_iter().map(callback).collect(),
        cors: Some(v1::CorsSettings {
            allowed_origins: settings.cors.allowed_origins,
            allowed_methods: settings.cors.allowed_methods,
            allowed_headers: settings.cors.allowed_headers,
            exposed_headers: settings.cors.exposed_headers,
            max_age: Some(duration(settings.cors.max_age)),
        }),
        csrf_header: settings.csrf_header,
        landing_places: Some(v1::LandingPlaces {
            after_login: settings.after_login,
            after_logout: settings.after_logout,
            on_error: settings.on_error.unwrap_or_default(),
        }),
        limits: Some(v1::Limits {
            max_cookie_bytes: number(settings.limits.cookie_bytes),
            max_cookies: number(settings.limits.cookies),
            max_header_bytes: number(settings.limits.header_bytes),
            max_query_bytes: number(settings.limits.query_bytes),
            max_body_bytes: number(settings.limits.body_bytes),
        }),
        route_sets: settings.route_sets.into_iter().map(|set| route_set(set).into()).collect(),
        place_header: settings.place_header.unwrap_or_default(),
        tenant: settings.tenant,
        hosts: settings.hosts,
    }
}
