//! Owns what a person sees who has to choose which sessions end: a page with a form, or the same as JSON.
//! Does not know what becomes of the choice.

use std::time::Duration;

use serde_json::{Value, json};
use url::Url;

use super::answer::{HttpAnswer, escape, page};
use super::choose_sessions::Waiting;
use super::complete_callback::Visit;
use super::settings::CallbackAnswer;
use super::{Authority, SessionView};
use crate::session::device;
use crate::session::origin::Origin;
use crate::session::time::Timestamp;

const DETAIL: &str = "You are logged in in too many places";

const CHOICE: &str = include_str!("choice.html");

impl Authority {
    /// The question which sessions end: a page for a person's browser, JSON for everybody else.
    pub(super) fn choice_answer(&self, visit: &Visit<'_>, waiting: &Waiting, return_to: Option<&str>) -> HttpAnswer {
        let state = visit.callback.state.text(self.state_ring(visit.callback.set));
        let now = self.ports.clock.now();
        if self.settings.callback_answer == CallbackAnswer::Json || !visit.context.is_navigation() {
            let sessions: Vec<_> = waiting.sessions.iter().map(|session| session.told(None)).collect();
            let remedy = "Send `state` and `end` to this address by POST: ids of sessions with commas between them, \
                          \"oldest\", or \"cancel\".";
            let body = json!({
                "detail": DETAIL,
                "reason": "choose_sessions",
                "remedy": remedy,
                "request_id": visit.call.request_id,
                "state": state.expose(),
                "limit": waiting.limit,
                "sessions": sessions,
            });
            return HttpAnswer::json(409, &body);
        }
        let items: String = waiting.sessions.iter().map(|session| item(session, now)).collect();
        let main = CHOICE
            .replace("{limit}", &waiting.limit.to_string())
            .replace("{action}", &escape(&format!("{}/auth/web/callback", self.settings.mount_prefix)))
            .replace("{state}", &escape(state.expose()))
            .replace("{sessions}", &items);
        let page = page(DETAIL, &main, &visit.call.request_id);
        // Some browsers ask about the redirect that follows a form too.
        let elsewhere = return_to.and_then(|place| Url::parse(place).ok()).and_then(|place| Origin::of(&place));
        HttpAnswer::form(200, page, elsewhere.as_ref().map(Origin::as_str))
    }
}

impl SessionView {
    /// The session as its user is told of it; `current`: whether it is the one that asks, where one does.
    pub(super) fn told(&self, current: Option<bool>) -> Value {
        let mut told = json!({
            "session_id": self.key.public(),
            "device": self.device(),
            "place": self.standing.place,
            "client_address": self.standing.client_address,
            "created": self.times.created.as_secs(),
            "last_active": self.times.last_active.as_secs(),
            "idle_end": self.idle_end.as_secs(),
            "absolute_end": self.times.absolute_end.as_secs(),
        });
        if let (Some(current), Value::Object(members)) = (current, &mut told) {
            members.insert("current".to_owned(), json!(current));
        }
        told
    }

    /// The device on which it began, in a few words.
    #[must_use]
    pub fn device(&self) -> String {
        device::name(&self.standing.user_agent)
    }
}

fn item(session: &SessionView, now: Timestamp) -> String {
    let place = &session.standing.place;
    let place = if place.is_empty() { String::new() } else { format!(", {}", escape(place)) };
    let seen = ago(now.since(session.times.last_active));
    [
        "<li><span><b>",
        &escape(&session.device()),
        "</b><br><small>last used ",
        &seen,
        &place,
        "</small></span><button name=\"end\" value=\"",
        &session.key.public(),
        "\">Log out there</button></li>",
    ]
    .concat()
}

/// How long ago something was, as people say it.
fn ago(length: Duration) -> String {
    let minutes = length.as_secs() / 60;
    let (number, unit) = match minutes {
        0 => return "just now".to_owned(),
        1..60 => (minutes, "minute"),
        60..1440 => (minutes / 60, "hour"),
        _ => (minutes / 1440, "day"),
    };
    format!("{number} {unit}{} ago", if number == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_as_people_say_them() {
        let table = [(59, "just now"), (60, "1 minute ago"), (7199, "1 hour ago"), (86_400 * 3, "3 days ago")];
        for (seconds, text) in table {
            assert_eq!(ago(Duration::from_secs(seconds)), text);
        }
    }
}
