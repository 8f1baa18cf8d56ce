//! Owns the way from answers to protobuf. Does not know the questions.

use std::time::Duration;

use bytes::Bytes;
use prost::Message as _;

use super::user_answers::user_session;
use super::v1;
use crate::authority::answer::HttpAnswer;
use crate::authority::complete_callback::Unfinished;
use crate::authority::get_edge_settings::EdgeSettings;
use crate::authority::login_answer::LoginFailure;
use crate::authority::settings::RouteSet;
use crate::authority::validate_session::{self, Active, Denied, DeniedReason, Inactive, Judged};
use crate::authority::{OpenStanding, SessionView, complete_callback, get_access_token, list_sessions, refresh_tokens};
use crate::session::admission::InactiveReason;
use crate::session::csrf::CsrfFault;
use crate::session::event::Position;
use crate::session::fingerprint::Comparison;
use crate::session::identity::Identity;
use crate::session::time::Timestamp;

pub(super) fn timestamp(moment: Timestamp) -> prost_types::Timestamp {
    let millis = moment.as_millis();
    let nanos = i32::try_from(millis % 1000).unwrap_or_default() * 1_000_000;
    prost_types::Timestamp { seconds: i64::try_from(millis / 1000).unwrap_or(i64::MAX), nanos }
}

pub(super) fn duration(length: Duration) -> prost_types::Duration {
    prost_types::Duration::try_from(length).unwrap_or_default()
}

/// A position in the event stream; empty for none.
pub(super) fn position(position: Option<Position>) -> Bytes {
    position.map(|position| Bytes::copy_from_slice(&position.0)).unwrap_or_default()
}

pub(super) fn http(answer: HttpAnswer) -> v1::HttpAnswer {
    let header = |(name, value): (&str, String)| v1::HttpHeader { name: name.to_owned(), value };
    v1::HttpAnswer {
        status: u32::from(answer.status),
        location: answer.location.unwrap_or_default(),
        set_cookies: answer.set_cookies,
        headers: answer.headers.into_iter().map(header).collect(),
        content_type: answer.content_type.unwrap_or_default().to_owned(),
        body: answer.body.into(),
    }
}

pub(super) fn identity(identity: &Identity, tenant: &str) -> v1::Identity {
    let claims = (!identity.claims.is_empty()).then(|| structure(&identity.claims));
    let maybe = |text: &Option<String>| text.clone().unwrap_or_default();
    v1::Identity {
        user_id: identity.user_id.clone(),
        tenant: tenant.to_owned(),
        provider: identity.provider.clone(),
        issuer: identity.issuer.clone(),
        sub: identity.sub.clone(),
        email: maybe(&identity.email),
        email_verified: identity.email_verified,
        name: maybe(&identity.name),
        picture: maybe(&identity.picture),
        claims,
        scopes: identity.scopes.clone(),
        auth_time: Some(timestamp(identity.auth_time)),
        acr: maybe(&identity.acr),
        amr: identity.amr.clone(),
    }
}

pub(super) fn structure(map: &serde_json::Map<String, serde_json::Value>) -> prost_types::Struct {
    prost_types::Struct { fields: map.iter().map(|(name, json)| (name.clone(), value(json))).collect() }
}

fn value(json: &serde_json::Value) -> prost_types::Value {
    use prost_types::value::Kind;
    use serde_json::Value;
    let kind = match json {
        Value::Null => Kind::NullValue(0),
        Value::Bool(yes) => Kind::BoolValue(*yes),
        Value::Number(number) => Kind::NumberValue(number.as_f64().unwrap_or(f64::NAN)),
        Value::String(text) => Kind::StringValue(text.clone()),
        Value::Array(items) => Kind::ListValue(prost_types::ListValue { values: items.iter().map(value).collect() }),
        Value::Object(map) => Kind::StructValue(structure(map)),
    };
    prost_types::Value { kind: Some(kind) }
}

pub(super) fn info(session: &SessionView) -> v1::SessionInfo {
    v1::SessionInfo {
        session_id: session.key.public(),
        create_time: Some(timestamp(session.times.created)),
        last_active_time: Some(timestamp(session.times.last_active)),
        idle_expire_time: Some(timestamp(session.idle_end)),
        absolute_expire_time: Some(timestamp(session.times.absolute_end)),
        generation: session.generation,
        remembered: session.standing.remembered,
        device: String::new(),
        place: String::new(),
    }
}

/// The same with what people know a session by, where no request waits for it.
pub(super) fn shown_info(session: &SessionView) -> v1::SessionInfo {
    v1::SessionInfo { device: session.device(), place: session.standing.place.clone(), ..info(session) }
}

/// The filter by which sessions were listed.
pub(super) fn filter(filter: list_sessions::Filter) -> v1::SessionFilter {
    v1::SessionFilter {
        user_id: filter.user_id,
        provider: filter.provider,
        provider_session_id: filter.provider_session,
        created_after: filter.created_after.map(timestamp),
        created_before: filter.created_before.map(timestamp),
    }
}

/// A session, as an admin sees it.
pub(super) fn session(session: &SessionView, tenant: &str) -> v1::Session {
    v1::Session {
        info: Some(shown_info(session)),
        access_token_expire_time: session.standing.access_token_end.map(timestamp),
        user_agent: session.standing.user_agent.clone(),
        client_address: session.standing.client_address.clone(),
        identity: Some(identity(&session.standing.identity, tenant)),
    }
}

pub(super) fn validated(
    outcome: validate_session::Outcome,
    tenant: &str,
    version: &str,
) -> v1::ValidateSessionResponse {
    use v1::validate_session_response::Outcome;
    let outcome = match outcome {
        validate_session::Outcome::Active(found) => Outcome::Active(active(*found, tenant)),
        validate_session::Outcome::Inactive(found) => Outcome::Inactive(inactive(found)),
        validate_session::Outcome::Denied(found) => Outcome::Denied(denied(*found)),
    };
    v1::ValidateSessionResponse { outcome: Some(outcome), settings_version: version.to_owned() }
}

/// The identity as it is sent, encoded once for all answers about a standing (store.md, 10): `build.rs` lets the field
/// take it so.
fn encoded_identity(standing: &OpenStanding, tenant: &str) -> Bytes {
    let encode = || identity(&standing.identity, tenant).encode_to_vec().into();
    standing.shown.get_or_init(encode).clone()
}

fn active(active: Active, tenant: &str) -> v1::ActiveSession {
    let keeping = active.keeping;
    v1::ActiveSession {
        session: Some(info(&active.session)),
        identity: encoded_identity(&active.session.standing, tenant),
        judged: Some(judged(active.judged)),
        set_cookies: active.set_cookies,
        csrf_token: active.csrf_token.map(|token| token.expose().to_owned()).unwrap_or_default(),
        event_position: position(keeping.map(|keeping| keeping.position)),
        keep_for: keeping.map(|keeping| duration(keeping.keep_for)),
        check_again_time: Some(timestamp(active.check_again)),
    }
}

fn judged(judged: Judged) -> v1::JudgedRequirements {
    let fingerprint = match judged.fingerprint {
        None | Some(Comparison::None) => v1::FingerprintJudgement::Unspecified,
        Some(Comparison::Matched) => v1::FingerprintJudgement::Matched,
        Some(Comparison::Differed) => v1::FingerprintJudgement::Differed,
    };
    v1::JudgedRequirements {
        csrf: judged.csrf,
        origin: judged.origin,
        scopes: judged.scopes,
        max_login_age: judged.max_login_age.map(duration),
        fingerprint: fingerprint.into(),
        client_network: judged.client_network,
    }
}

pub(super) fn inactive(inactive: Inactive) -> v1::InactiveSession {
    v1::InactiveSession { reason: inactive_reason(inactive.reason).into(), answer: inactive.answer.map(http) }
}

const fn inactive_reason(reason: InactiveReason) -> v1::InactiveReason {
    match reason {
        InactiveReason::None => v1::InactiveReason::None,
        InactiveReason::Forged => v1::InactiveReason::Forged,
        InactiveReason::Ended => v1::InactiveReason::Ended,
        InactiveReason::Expired => v1::InactiveReason::Expired,
        InactiveReason::Idle => v1::InactiveReason::Idle,
        InactiveReason::Revoked => v1::InactiveReason::Revoked,
        InactiveReason::Fingerprint => v1::InactiveReason::Fingerprint,
        InactiveReason::Ambiguous => v1::InactiveReason::Ambiguous,
    }
}

pub(super) fn denied(denied: Denied) -> v1::DeniedSession {
    let session = Some(info(&denied.session));
    let (reason, missing_scopes) = match denied.reason {
        DeniedReason::Csrf(CsrfFault::Missing) => (v1::DeniedReason::CsrfMissing, Vec::new()),
        DeniedReason::Csrf(CsrfFault::Invalid) => (v1::DeniedReason::CsrfInvalid, Vec::new()),
        DeniedReason::Csrf(CsrfFault::Expired) => (v1::DeniedReason::CsrfExpired, Vec::new()),
        DeniedReason::Csrf(CsrfFault::Rotated) => (v1::DeniedReason::CsrfRotated, Vec::new()),
        DeniedReason::Csrf(CsrfFault::OtherSession) => (v1::DeniedReason::CsrfOtherSession, Vec::new()),
        DeniedReason::OriginRefused => (v1::DeniedReason::OriginRefused, Vec::new()),
        DeniedReason::ScopeMissing(scopes) => (v1::DeniedReason::ScopeMissing, scopes),
        DeniedReason::LoginTooOld => (v1::DeniedReason::LoginTooOld, Vec::new()),
    };
    v1::DeniedSession {
        reason: reason.into(),
        remedy: denied.remedy,
        missing_scopes,
        login_query: denied.login_query,
        answer: denied.answer.map(http),
        session,
    }
}

pub(super) fn refreshed(outcome: refresh_tokens::Outcome, has_context: bool) -> v1::RefreshTokensResponse {
    use v1::refresh_tokens_response::Outcome;
    let answer = outcome.answer(has_context).map(http);
    let outcome = match outcome {
        refresh_tokens::Outcome::Refreshed { access_token_end, session } => Outcome::Refreshed(v1::RefreshedTokens {
            access_token_expire_time: access_token_end.map(timestamp),
            session: Some(info(&session)),
        }),
        refresh_tokens::Outcome::Inactive(found) => Outcome::Inactive(inactive(found)),
        refresh_tokens::Outcome::Denied(found) => Outcome::Denied(denied(*found)),
    };
    v1::RefreshTokensResponse { outcome: Some(outcome), answer }
}

pub(super) fn access_token(outcome: get_access_token::Outcome) -> v1::GetAccessTokenResponse {
    use v1::get_access_token_response::Outcome;
    let outcome = match outcome {
        get_access_token::Outcome::Token(token) => Outcome::AccessToken(v1::AccessToken {
            value: token.value.expose().to_owned(),
            r#type: "Bearer".to_owned(),
            expire_time: token.end.map(timestamp),
            scopes: token.scopes,
            audience: token.audience,
        }),
        get_access_token::Outcome::Inactive(found) => Outcome::Inactive(inactive(found)),
    };
    v1::GetAccessTokenResponse { outcome: Some(outcome) }
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
    }
}

const fn route_set(set: RouteSet) -> v1::RouteSet {
    match set {
        RouteSet::Web => v1::RouteSet::Web,
    }
}

pub(super) fn edge_settings(settings: EdgeSettings) -> v1::EdgeSettings {
    let number = |limit: usize| u32::try_from(limit).unwrap_or(u32::MAX);
    let callback = |(provider, url)| v1::CallbackAddress { route_set: v1::RouteSet::Web.into(), provider, url };
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
