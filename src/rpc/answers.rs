//! Owns the way from answers to protobuf: what many of them share, and those about sessions that are listed or used. Those
//! of ValidateSession and of logins stand beside it. Does not know the questions.

use std::time::Duration;

use bytes::Bytes;

pub(super) use super::login_answers::{began, completed, edge_settings};
pub(super) use super::session_answers::{denied, inactive, validated};
use super::v1;
use crate::authority::answer::HttpAnswer;
use crate::authority::unreadable::Unreadable;
use crate::authority::{SessionView, api_answer, get_access_token, list_sessions, refresh_tokens};
use crate::session::event::Position;
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
        auth_time: identity.auth_time.map(timestamp),
        acr: maybe(&identity.acr),
        amr: identity.amr.clone(),
        roles: identity.roles.clone(),
        permissions: identity.permissions.clone(),
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

/// What a list leaves out, and why.
pub(super) fn unreadable(unreadable: &Unreadable) -> Vec<v1::Unreadable> {
    unreadable.each().map(|(why, count)| v1::Unreadable { why: why.to_owned(), count }).collect()
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

/// The X-API-Key of a request is nobody's who may refresh.
pub(super) fn key_refused(key: &[u8], request_id: &str) -> v1::RefreshTokensResponse {
    let answer = api_answer::key_refused(key.is_empty(), request_id);
    v1::RefreshTokensResponse { outcome: None, answer: Some(http(answer)) }
}

pub(super) fn access_token(outcome: get_access_token::Outcome) -> v1::GetAccessTokenResponse {
    use v1::get_access_token_response::Outcome;
    let outcome = match outcome {
        get_access_token::Outcome::Token(token) => Outcome::AccessToken(v1::AccessToken {
            value: token.value.expose().to_owned(),
            r#type: if token.is_bound { "DPoP" } else { "Bearer" }.to_owned(),
            expire_time: token.end.map(timestamp),
            scopes: token.scopes,
            audience: token.audience,
            dpop_proof: token.proof.map(|proof| proof.expose().to_owned()).unwrap_or_default(),
        }),
        get_access_token::Outcome::Inactive(found) => Outcome::Inactive(inactive(found)),
    };
    v1::GetAccessTokenResponse { outcome: Some(outcome) }
}
