//! Owns how the fake lists and ends the sessions of one user. Does not know why somebody wants that.

use serde_json::{Value, json};
use tonic::Status;

use super::World;
use super::answers::{first, is_required, json_answer, malformed, set_cookie};
use super::logins::values;
use super::people::Kept;
use super::sessions::Refused;
use crate::v1;
use crate::v1::session_service_revoke_request::Target;

/// Which of a user's sessions.
enum End {
    One(String),
    Others,
}

impl World {
    /// The living sessions of somebody's user.
    pub(super) fn devices(&self, own: &Kept) -> v1::ListUserSessionsResponse {
        let theirs: Vec<_> = self.living().filter(|kept| kept.identity.user_id == own.identity.user_id).collect();
        let is_own = |one: &Kept| one.info.session_id == own.info.session_id;
        let told: Vec<_> = theirs.iter().map(|one| device(&one.info, is_own(one))).collect();
        let sessions = theirs.iter().map(|one| v1::UserSession {
            session: Some(one.info.clone()),
            current: is_own(one),
            ..Default::default()
        });
        let sessions = v1::UserSessions { sessions: sessions.collect(), ..Default::default() };
        v1::ListUserSessionsResponse {
            outcome: Some(v1::list_user_sessions_response::Outcome::UserSessions(sessions)),
            answer: Some(json_answer(200, &json!({"sessions": told, "next_page_token": ""}))),
        }
    }

    pub(super) fn revoke(
        &mut self,
        question: &v1::SessionServiceRevokeRequest,
        request_id: &str,
    ) -> Result<v1::SessionServiceRevokeResponse, Status> {
        let v1::SessionServiceRevokeRequest { cookies, context, target, .. } = question;
        let target = target.as_ref().ok_or_else(|| is_required("target"))?;
        let mut said = v1::SessionServiceRevokeResponse::default();
        let own = match self.usable(cookies, context.as_ref(), request_id) {
            Ok(own) => own,
            Err(refused) => {
                said.answer = refused.answer();
                match refused {
                    Refused::Denied(denied) => said.denied = Some(*denied),
                    Refused::Inactive(inactive) if !matches!(target, Target::PresentedSession(_)) => {
                        said.inactive = Some(*inactive);
                    }
                    Refused::Inactive(_) => (),
                }
                return Ok(said);
            }
        };
        let (own_id, user_id) = (own.info.session_id.clone(), own.identity.user_id.clone());
        let Some(end) = end_of(target, &own_id) else {
            said.answer = Some(malformed("Send end: a session's public id, or others.", request_id));
            return Ok(said);
        };
        let is_meant = |kept: &Kept| {
            kept.identity.user_id == user_id
                && match &end {
                    End::One(session_id) => kept.info.session_id == *session_id,
                    End::Others => kept.info.session_id != own_id,
                }
        };
        said.revoked_count = u32::try_from(self.end(is_meant)).unwrap_or_default();
        said.event_position = self.events.position();
        let count = said.revoked_count;
        let told = json!({"message": format!("{count} sessions were ended"), "revoked_count": count});
        said.answer = context.as_ref().map(|_| json_answer(200, &told));
        if let (Some(answer), End::One(session_id)) = (&mut said.answer, &end)
            && *session_id == own_id
        {
            let name = first(&self.settings.session_cookie_names);
            answer.set_cookies.push(set_cookie(&self.settings, name, "", 0));
        }
        Ok(said)
    }
}

/// Which sessions to end; `None` where a browser said nothing that can be meant.
fn end_of(target: &Target, own_id: &str) -> Option<End> {
    let named = match target {
        Target::PresentedSession(_) => return Some(End::One(own_id.to_owned())),
        Target::SessionId(session_id) => return Some(End::One(session_id.clone())),
        Target::AllOthers(_) => return Some(End::Others),
        Target::Form(form) => values(form, "end").into_iter().next()?,
        Target::Json(text) => serde_json::from_slice::<Value>(text).ok()?.get("end")?.as_str()?.to_owned(),
    };
    match named.as_str() {
        "others" => Some(End::Others),
        session_id if session_id.starts_with("sid_") => Some(End::One(named)),
        _ => None,
    }
}

fn device(info: &v1::SessionInfo, is_current: bool) -> Value {
    let seconds = |time: &Option<prost_types::Timestamp>| time.map_or(0, |time| time.seconds);
    json!({
        "session_id": info.session_id, "current": is_current, "device": "Unknown device", "place": "",
        "client_address": "", "created": seconds(&info.create_time), "last_active": seconds(&info.last_active_time),
        "idle_end": seconds(&info.idle_expire_time), "absolute_end": seconds(&info.absolute_expire_time),
    })
}
