//! Owns the way from answers about users, and about what is theirs, to protobuf. Does not know the questions.

use super::answers::{denied, http, inactive, shown_info, timestamp};
use super::v1;
use crate::authority::get_user::UserView;
use crate::authority::{SessionView, get_attributes, list_user_sessions, revoke};

pub(super) fn user(view: UserView) -> v1::User {
    let (profile, facts) = match view {
        UserView::Known(profile, facts) => (*profile, facts),
        UserView::Deleted(user_id, at) => {
            let (state, delete_time) = (v1::UserState::Deleted.into(), Some(timestamp(at)));
            return v1::User { user_id, state, delete_time, ..v1::User::default() };
        }
    };
    let state = if facts.disabled { v1::UserState::Disabled } else { v1::UserState::Active };
    v1::User {
        user_id: profile.user_id,
        state: state.into(),
        provider: profile.provider,
        issuer: profile.issuer,
        sub: profile.sub,
        email: profile.email.unwrap_or_default(),
        email_verified: profile.email_verified,
        name: profile.name.unwrap_or_default(),
        picture: profile.picture.unwrap_or_default(),
        first_login_time: Some(timestamp(facts.first_login)),
        last_login_time: Some(timestamp(facts.last_login)),
        login_count: facts.logins,
        delete_time: None,
    }
}

pub(super) fn user_session(session: &SessionView, current: bool) -> v1::UserSession {
    let client_address = session.standing.client_address.clone();
    v1::UserSession { session: Some(shown_info(session)), current, client_address }
}

pub(super) fn user_sessions(outcome: list_user_sessions::Outcome) -> v1::ListUserSessionsResponse {
    use v1::list_user_sessions_response::Outcome;
    let (outcome, answer) = match outcome {
        list_user_sessions::Outcome::Listed { sessions, current, next_page_token, answer } => {
            let sessions = sessions.iter().map(|session| user_session(session, session.key == current)).collect();
            (Outcome::UserSessions(v1::UserSessions { sessions, next_page_token }), answer)
        }
        list_user_sessions::Outcome::Inactive(found) => {
            let answer = found.answer.clone();
            (Outcome::Inactive(inactive(found)), answer)
        }
        list_user_sessions::Outcome::Denied(found) => {
            let answer = found.answer.clone();
            (Outcome::Denied(denied(*found)), answer)
        }
        list_user_sessions::Outcome::Malformed(answer) => {
            return v1::ListUserSessionsResponse { outcome: None, answer: Some(http(answer)) };
        }
    };
    v1::ListUserSessionsResponse { outcome: Some(outcome), answer: answer.map(http) }
}

pub(super) fn revoked(outcome: revoke::Outcome) -> v1::SessionServiceRevokeResponse {
    match outcome {
        revoke::Outcome::Ended { count, answer } => v1::SessionServiceRevokeResponse {
            revoked_count: u32::try_from(count).unwrap_or(u32::MAX),
            answer: answer.map(http),
            ..v1::SessionServiceRevokeResponse::default()
        },
        revoke::Outcome::Inactive(found) => v1::SessionServiceRevokeResponse {
            answer: found.answer.clone().map(http),
            inactive: Some(inactive(found)),
            ..v1::SessionServiceRevokeResponse::default()
        },
        revoke::Outcome::Denied(found) => v1::SessionServiceRevokeResponse {
            answer: found.answer.clone().map(http),
            denied: Some(denied(*found)),
            ..v1::SessionServiceRevokeResponse::default()
        },
    }
}

pub(super) fn attributes(outcome: get_attributes::Outcome) -> v1::GetAttributesResponse {
    use v1::get_attributes_response::Outcome;
    let outcome = match outcome {
        get_attributes::Outcome::Kept(kept) => {
            let values = kept.values.into_iter().map(|(name, value)| (name, value.into())).collect();
            Outcome::Attributes(v1::Attributes { values, version: kept.version })
        }
        get_attributes::Outcome::Inactive(found) => Outcome::Inactive(inactive(found)),
        get_attributes::Outcome::Denied(found) => Outcome::Denied(denied(*found)),
    };
    v1::GetAttributesResponse { outcome: Some(outcome) }
}

pub(super) fn updated(outcome: get_attributes::Outcome) -> v1::UpdateAttributesResponse {
    use v1::get_attributes_response::Outcome as Got;
    use v1::update_attributes_response::Outcome;
    let outcome = attributes(outcome).outcome.map(|outcome| match outcome {
        Got::Attributes(kept) => Outcome::Attributes(kept),
        Got::Inactive(found) => Outcome::Inactive(found),
        Got::Denied(found) => Outcome::Denied(found),
    });
    v1::UpdateAttributesResponse { outcome }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::time::Timestamp;

    #[test]
    fn of_a_deleted_user_nothing_is_told_but_that_there_was_one() {
        let told = user(UserView::Deleted("idp_ada".into(), Timestamp::from_secs(9)));
        let at = Some(timestamp(Timestamp::from_secs(9)));
        let state = v1::UserState::Deleted.into();
        assert!(told == v1::User { user_id: "idp_ada".into(), state, delete_time: at, ..Default::default() });
    }
}
