//! Owns the protobuf of WatchSessions: its question, and what is told. Does not know what is told when.

use super::{answers, fields, questions, v1};
use crate::authority::Error;
use crate::authority::watch_sessions::{Happened, Kind, Question, Told};

pub(super) fn question(request: v1::WatchSessionsRequest) -> Result<Question, Error> {
    let kinds = request.kinds.into_iter().map(kind).collect::<Result<_, _>>()?;
    Ok(Question { kinds, after: questions::position("after_position", &request.after_position)? })
}

fn kind(kind: i32) -> Result<Kind, Error> {
    Ok(match fields::known("kinds", kind)? {
        v1::SessionEventKind::Unspecified => {
            return Err(fields::invalid("kinds", "kinds of the contract; none for everything"));
        }
        v1::SessionEventKind::Revoked => Kind::Revoked,
        v1::SessionEventKind::Rotated => Kind::Rotated,
        v1::SessionEventKind::Refreshed => Kind::Refreshed,
        v1::SessionEventKind::Changed => Kind::Changed,
        v1::SessionEventKind::UserRevoked => Kind::UserRevoked,
        v1::SessionEventKind::UserDisabled => Kind::UserDisabled,
        v1::SessionEventKind::ProviderRevoked => Kind::ProviderRevoked,
        v1::SessionEventKind::TenantRevoked => Kind::TenantRevoked,
        v1::SessionEventKind::KeysRotated => Kind::KeysRotated,
    })
}

pub(super) fn told(told: Told) -> v1::WatchSessionsResponse {
    v1::WatchSessionsResponse {
        events: told.events.into_iter().map(event).collect(),
        position: answers::position(told.position),
        reset: told.reset,
        max_staleness: told.max_staleness.map(answers::duration),
    }
}

fn event(happened: Happened) -> v1::SessionEvent {
    let kind = match happened.kind {
        Kind::Revoked => v1::SessionEventKind::Revoked,
        Kind::Rotated => v1::SessionEventKind::Rotated,
        Kind::Refreshed => v1::SessionEventKind::Refreshed,
        Kind::Changed => v1::SessionEventKind::Changed,
        Kind::UserRevoked => v1::SessionEventKind::UserRevoked,
        Kind::UserDisabled => v1::SessionEventKind::UserDisabled,
        Kind::ProviderRevoked => v1::SessionEventKind::ProviderRevoked,
        Kind::TenantRevoked => v1::SessionEventKind::TenantRevoked,
        Kind::KeysRotated => v1::SessionEventKind::KeysRotated,
    };
    v1::SessionEvent {
        kind: kind.into(),
        session_id: happened.session.map(|key| key.public()).unwrap_or_default(),
        provider: happened.provider.unwrap_or_default(),
    }
}
