//! Owns what idempotency keys mean for each RPC: what of a request counts, which answers are final. One line for each. Does
//! not know where answers are kept.

use prost::Message;
use tonic::{Request, Status};

use super::asked::{Asked, asked};
use super::v1::complete_callback_response::Outcome as Completion;
use super::v1::{self, LoginFailure};
use super::{fields, status};
use crate::authority::Presented;
use crate::authority::answer_once::{FinalAnswer, NamedCall, StandsOn};
use crate::authority::api_answer::usable_key;
use crate::crypto::Secret;
use crate::session::request::PresentedCookie;

/// The field that holds a key.
pub(super) const FIELD: &str = "idempotency_key";
const LONGEST: usize = 255;

/// A request that may bring an idempotency key.
pub(super) trait Keyed: Message + Clone {
    /// Names the RPC: no two share a request.
    const METHOD: &'static str;
    const STANDS_ON: StandsOn;

    /// The key; empty for none.
    fn key(&self) -> &str;

    /// The cookies of the browser.
    fn cookies(&self) -> &[v1::Cookie];

    /// The request as it counts: without the key, what was presented, and what tells of the way it came.
    fn bare(&self) -> Self;
}

/// What requests may bring a key, what each stands on, and which of its fields do not count.
macro_rules! keyed {
    ($($request:ident on $stands_on:ident without $($left_out:ident)*;)*) => {
        $(impl Keyed for v1::$request {
            const METHOD: &'static str = stringify!($request);
            const STANDS_ON: StandsOn = StandsOn::$stands_on;

            fn key(&self) -> &str {
                &self.idempotency_key
            }

            fn cookies(&self) -> &[v1::Cookie] {
                keyed!(@cookies self $($left_out)*)
            }

            fn bare(&self) -> Self {
                let mut bare = self.clone();
                bare.idempotency_key.clear();
                $(bare.$left_out = Default::default();)*
                bare
            }
        })*
    };
    (@cookies $request:ident cookies $($rest:ident)*) => { &$request.cookies };
    (@cookies $request:ident $($rest:ident)*) => { &[] };
}

keyed! {
    RefreshTokensRequest on LivingSession without cookies context;
    GetUserInfoRequest on LivingSession without cookies context;
    UpdateAttributesRequest on LivingSession without cookies context;
    SessionServiceRevokeRequest on Session without cookies context;
    StartLoginRequest on AnyBinding without cookies context;
    CompleteCallbackRequest on Binding without cookies context;
    StartLogoutRequest on Session without cookies context;
    HandleBackchannelLogoutRequest on Caller without context;
    HandleFrontchannelLogoutRequest on Caller without context;
    AdminServiceRevokeRequest on Caller without;
    DisableUserRequest on Caller without;
    EnableUserRequest on Caller without;
    DeleteUserRequest on Caller without;
    CreateCallerKeyRequest on Caller without;
    RevokeCallerKeyRequest on Caller without;
}

/// What the gate has noted of the call, and its key. Without one it costs a look.
///
/// # Errors
/// `INVALID_FIELD` when the key is too long.
pub(super) fn asked_once<R: Keyed>(request: &Request<R>) -> Result<Asked, Status> {
    let mut asked = asked();
    let request = request.get_ref();
    if !request.key().is_empty() {
        let named = named(request).map_err(|error| status::of(&error, &asked.call.request_id))?;
        asked.named = Some(Box::new(named));
    }
    Ok(asked)
}

/// The same callback with the key that its browser's request has brought, where that one does. One that does not is told so
/// to the browser.
pub(super) fn keyed_by_header(
    mut request: Request<v1::CompleteCallbackRequest>,
) -> Request<v1::CompleteCallbackRequest> {
    let callback = request.get_mut();
    if callback.route_set() == v1::RouteSet::Api
        && callback.idempotency_key.is_empty()
        && let Some(key) = usable_key(&callback.idempotency_header)
    {
        callback.idempotency_key = key.to_owned();
        callback.idempotency_header.clear();
    }
    request
}

fn named<R: Keyed>(request: &R) -> Result<NamedCall, crate::authority::Error> {
    let key = Secret::new(fields::text(FIELD, request.key().to_owned(), LONGEST)?);
    let presented = |cookie: &v1::Cookie| PresentedCookie { name: cookie.name.clone(), value: cookie.value.clone() };
    let presented = Presented { cookies: request.cookies().iter().map(presented).collect(), context: None };
    let request = request.bare().encode_to_vec();
    Ok(NamedCall { method: R::METHOD, key, request, presented, stands_on: R::STANDS_ON })
}

/// An answer that can be kept.
pub(super) trait Answer: Message + Default + Send + 'static {
    /// Whether something came to its end with it: what was only refused is judged anew.
    fn is_final(&self) -> bool {
        self.http().is_none_or(|http| http.status < 400)
    }

    /// The answer to a browser that is in it, if there is one.
    fn http(&self) -> Option<&v1::HttpAnswer>;

    /// The same, to be changed.
    fn http_mut(&mut self) -> Option<&mut v1::HttpAnswer>;

    /// Told once more: what was created then (201) is there now (200).
    fn tell_again(&mut self) {
        if let Some(http) = self.http_mut().filter(|http| http.status == 201) {
            http.status = 200;
        }
    }
}

/// The answer as it is kept, if it is.
pub(super) fn written<T: Answer>(answer: &T) -> Option<FinalAnswer<'_>> {
    let set_cookies = answer.http().map_or(&[][..], |http| &http.set_cookies);
    answer.is_final().then(|| FinalAnswer { bytes: answer.encode_to_vec(), set_cookies })
}

/// What answers can be kept, and where they have an answer to a browser.
macro_rules! can_be_kept {
    ($($answer:ident $({$field:ident})? $(where $is_final:expr)?;)*) => {
        $(impl Answer for v1::$answer {
            $(fn is_final(&self) -> bool {
                let is_final: fn(&Self) -> bool = $is_final;
                is_final(self)
            })?

            fn http(&self) -> Option<&v1::HttpAnswer> {
                can_be_kept!(@http self $($field)?)
            }

            fn http_mut(&mut self) -> Option<&mut v1::HttpAnswer> {
                can_be_kept!(@http_mut self $($field)?)
            }
        })*
    };
    (@http $answer:ident $field:ident) => { $answer.$field.as_ref() };
    (@http $answer:ident) => { None };
    (@http_mut $answer:ident $field:ident) => { $answer.$field.as_mut() };
    (@http_mut $answer:ident) => { None };
}

can_be_kept! {
    RefreshTokensResponse {answer} where |a| matches!(a.outcome, Some(v1::refresh_tokens_response::Outcome::Refreshed(_)));
    GetUserInfoResponse {answer} where |a| matches!(a.outcome, Some(v1::get_user_info_response::Outcome::UserInfo(_)));
    UpdateAttributesResponse
        where |a| matches!(a.outcome, Some(v1::update_attributes_response::Outcome::Attributes(_)));
    SessionServiceRevokeResponse {answer}
        where |a| a.inactive.is_none() && a.denied.is_none() && a.answer.as_ref().is_none_or(|http| http.status < 400);
    StartLoginResponse {answer} where |a| a.failure.is_none();
    CompleteCallbackResponse {answer} where |a| a.outcome.as_ref().is_some_and(is_spent);
    StartLogoutResponse {answer};
    HandleBackchannelLogoutResponse {answer};
    HandleFrontchannelLogoutResponse {answer};
    AdminServiceRevokeResponse;
    DisableUserResponse;
    EnableUserResponse;
    DeleteUserResponse;
    CreateCallerKeyResponse;
    RevokeCallerKeyResponse;
    // Nobody names calls of these.
    GetAccessTokenResponse;
}

/// Whether a callback has spent its login. What is no login of this browser's has nothing to spend, and one that waits for
/// a choice, or that another call is at, goes on.
fn is_spent(outcome: &Completion) -> bool {
    use LoginFailure::{
        AlreadyComplete, Expired, Interrupted, OtherBrowser, RequestMalformed, StateInvalid, TenantUnknown,
    };
    match outcome {
        Completion::Completed(_) => true,
        Completion::Waiting(_) => false,
        Completion::Failure(failure) => !matches!(
            LoginFailure::try_from(*failure),
            Ok(AlreadyComplete
                | Expired
                | Interrupted
                | OtherBrowser
                | RequestMalformed
                | StateInvalid
                | TenantUnknown)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(set: &[(&str, &'static [u8])]) -> v1::UpdateAttributesRequest {
        let set = set.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
        v1::UpdateAttributesRequest { set, expected_version: 7, ..Default::default() }
    }

    // store.md 10: fields are compared, and not the bytes that brought them.
    #[test]
    fn a_request_is_the_same_however_it_came() {
        let one = request(&[("a", b"1"), ("b", b"2"), ("c", b"3")]);
        let cookie = v1::Cookie { name: "session".into(), value: "sess_x".into() };
        let other = v1::UpdateAttributesRequest {
            cookies: vec![cookie],
            context: Some(v1::RequestContext { method: "PUT".into(), ..Default::default() }.into()),
            idempotency_key: "k".into(),
            ..request(&[("c", b"3"), ("b", b"2"), ("a", b"1")])
        };
        assert_eq!(one.bare().encode_to_vec(), other.bare().encode_to_vec());
        let third = request(&[("a", b"1"), ("b", b"2")]);
        assert_ne!(one.bare().encode_to_vec(), third.bare().encode_to_vec());
    }
}
