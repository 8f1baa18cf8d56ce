//! Owns how the authority's word on a request becomes what a proxy is answered. Does not know why it is given.

use bytes::Bytes;
use http::StatusCode;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::request::Parts;

use super::Form;
use crate::answer::{Answer, Asker};
use crate::envoy::check_response::HttpResponse;
use crate::envoy::header_value_option::HeaderAppendAction;
use crate::envoy::{self, CheckResponse, DeniedHttpResponse, HeaderValueOption, OkHttpResponse};
use crate::v1;

/// **Invariant:** 2xx only where the authority said so in both of its ways, and never half of what it said.
pub(super) fn answer(said: CheckResponse, form: Form, parts: &Parts, asker: &Asker) -> Answer {
    let passes = said.status.is_some_and(|status| status.code == 0);
    match said.http_response {
        // It was refused a moment ago, or the proxy has a reason of its own.
        Some(HttpResponse::OkResponse(ok)) if passes && (form == Form::Refusal || is_out_of_hand(&ok, form)) => {
            asker.error(StatusCode::FORBIDDEN, "FORBIDDEN", "The proxy does not let this request through.")
        }
        Some(HttpResponse::OkResponse(ok)) if passes => {
            goes_on(&ok, parts, asker).unwrap_or_else(|| asker.unavailable(None))
        }
        Some(HttpResponse::DeniedResponse(denied)) if !passes => refused(denied, form, asker),
        _ => asker.unavailable(None),
    }
}

/// Whether the request claims what the proxy can't take away: nginx sets headers that its configuration names, and passes on
/// all others (security.md 68). Nobody sends such a header in good faith.
fn is_out_of_hand(ok: &OkHttpResponse, form: Form) -> bool {
    form == Form::Status && ok.headers_to_remove.iter().any(|name| !is_cookie(name))
}

fn is_cookie(name: &str) -> bool {
    name.eq_ignore_ascii_case(header::COOKIE.as_str())
}

/// What the request loses and gets, as headers of the answer, by the names that they have there: the proxy sets each,
/// or takes it away where it is not here. What the response gets is here too.
fn goes_on(ok: &OkHttpResponse, parts: &Parts, asker: &Asker) -> Option<Answer> {
    let mut answer = asker.empty(StatusCode::OK);
    let headers = answer.headers_mut();
    if let Some(cookies) = cookies(ok, &parts.headers) {
        headers.insert(header::COOKIE, cookies);
    }
    for option in ok.headers.iter().chain(&ok.response_headers_to_add) {
        let (name, value) = pair(option)?;
        match option.append_action() {
            // Every answer of an edge has it.
            _ if name == header::VARY => None,
            HeaderAppendAction::OverwriteIfExistsOrAdd => headers.insert(name, value),
            HeaderAppendAction::AppendIfExistsOrAdd | HeaderAppendAction::AddIfAbsent => {
                headers.append(name, value);
                None
            }
        };
    }
    Some(answer)
}

/// The cookies that go on: where the authority left them alone, those that came.
fn cookies(ok: &OkHttpResponse, came: &HeaderMap) -> Option<HeaderValue> {
    let is_changed = ok.headers.iter().any(|option| option.header.as_ref().is_some_and(|own| is_cookie(&own.key)));
    if is_changed || ok.headers_to_remove.iter().any(|name| is_cookie(name)) {
        return None;
    }
    let lines: Vec<_> = came.get_all(header::COOKIE).iter().map(HeaderValue::as_bytes).collect();
    HeaderValue::from_bytes(&lines.join(&b"; "[..])).ok().filter(|cookies| !cookies.is_empty())
}

fn pair(option: &HeaderValueOption) -> Option<(HeaderName, HeaderValue)> {
    let header = option.header.as_ref()?;
    Some((header.key.parse().ok()?, HeaderValue::from_bytes(value(header)).ok()?))
}

fn value(header: &envoy::HeaderValue) -> &[u8] {
    if header.raw_value.is_empty() { header.value.as_bytes() } else { &header.raw_value }
}

fn refused(denied: DeniedHttpResponse, form: Form, asker: &Asker) -> Answer {
    let mut answer = v1::HttpAnswer {
        // What refuses is no 2xx, whatever the authority says.
        status: denied
            .status
            .and_then(|status| u32::try_from(status.code).ok())
            .filter(|code| *code >= 300)
            .unwrap_or(0),
        body: Bytes::from(denied.body),
        ..v1::HttpAnswer::default()
    };
    for header in denied.headers.into_iter().filter_map(|option| option.header) {
        let value = String::from_utf8_lossy(value(&header)).into_owned();
        match header.key.to_ascii_lowercase() {
            // Every answer of an edge has it.
            name if name == header::VARY.as_str() => (),
            name if name == header::SET_COOKIE.as_str() => answer.set_cookies.push(value),
            name => answer.headers.push(v1::HttpHeader { name, value }),
        }
    }
    let mut answer = asker.copy(Some(answer));
    if form == Form::Status && answer.status().is_redirection() {
        *answer.status_mut() = StatusCode::UNAUTHORIZED;
    }
    answer
}

#[cfg(test)]
mod tests {
    use http::Method;

    use super::*;
    use crate::envoy::check_response::Status;

    fn said(code: Option<i32>, http_response: Option<HttpResponse>) -> CheckResponse {
        CheckResponse { status: code.map(|code| Status { code }), http_response, dynamic_metadata: None }
    }

    fn status(said: CheckResponse, form: Form) -> u16 {
        let parts = http::Request::new(()).into_parts().0;
        answer(said, form, &parts, &Asker::new(&Method::GET, "id".into())).status().as_u16()
    }

    fn denied(code: i32) -> HttpResponse {
        let status = Some(envoy::HttpStatus { code });
        HttpResponse::DeniedResponse(DeniedHttpResponse { status, ..Default::default() })
    }

    // contract.md 3: what is no definite answer is none, and above all no yes.
    #[test]
    fn nothing_but_a_whole_yes_is_one() {
        let yes = || HttpResponse::OkResponse(OkHttpResponse::default());
        let table = [
            (said(Some(0), Some(yes())), [200, 200, 403]),
            (said(Some(7), Some(yes())), [503, 503, 503]),
            (said(None, Some(yes())), [503, 503, 503]),
            (said(Some(0), None), [503, 503, 503]),
            (said(Some(0), Some(denied(403))), [503, 503, 503]),
            (said(Some(7), Some(denied(200))), [503, 503, 503]),
            (said(Some(7), Some(denied(0))), [503, 503, 503]),
            (said(Some(7), Some(denied(302))), [302, 401, 302]),
            (said(Some(7), Some(denied(403))), [403, 403, 403]),
            (said(Some(14), Some(denied(503))), [503, 503, 503]),
        ];
        for (at, (said, expected)) in table.into_iter().enumerate() {
            let found = [Form::Copied, Form::Status, Form::Refusal].map(|form| status(said.clone(), form));
            assert_eq!(found, expected, "row {at}");
        }
    }

    #[test]
    fn a_header_that_can_be_none_is_no_yes() {
        let header = envoy::HeaderValue { key: "x-a".into(), value: "a\r\nb".into(), ..Default::default() };
        let headers = vec![HeaderValueOption { header: Some(header), append_action: 2 }];
        let ok = HttpResponse::OkResponse(OkHttpResponse { headers, ..Default::default() });
        assert_eq!(status(said(Some(0), Some(ok)), Form::Copied), 503);
    }
}
