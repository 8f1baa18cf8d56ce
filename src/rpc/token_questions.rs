//! Owns the way from protobuf to questions about tokens. Does not know the answers.

use std::time::Duration;

use serde_json::{Map, Number, Value};
use url::Url;

use super::questions::presented;
use super::{fields, v1};
use crate::authority::provider::ProofRequest;
use crate::authority::settings::Limits;
use crate::authority::{Error, get_access_token, mint_token, validate_token};
use crate::crypto::Secret;
use crate::session::need::{LoginNeeds, Needs};

const YEAR: Duration = Duration::from_hours(365 * 24);
const DAY: Duration = Duration::from_hours(24);
const HOUR: Duration = Duration::from_hours(1);
const SECOND: Duration = Duration::from_secs(1);
/// The deepest that an application's claims are read; the rules want them shallower.
const DEEPEST: usize = 16;

type Read<T> = Result<T, Error>;

pub(super) fn get_access_token(
    request: v1::GetAccessTokenRequest,
    limits: &Limits,
) -> Read<get_access_token::Question> {
    let audience = fields::text("audience", request.audience, 2048)?;
    Ok(get_access_token::Question {
        minimum: fields::duration("minimum_lifetime", request.minimum_lifetime, Duration::ZERO, HOUR)?,
        audience: (!audience.is_empty()).then_some(audience),
        proof_for: request.dpop_proof_for.map(proof_for).transpose()?,
        presented: presented(request.cookies, request.context, limits)?,
    })
}

/// The request that a token is for (RFC 9449, 4.2).
fn proof_for(request: v1::DpopProofFor) -> Read<ProofRequest> {
    let is_method = (1..=16).contains(&request.http_method.len())
        && request.http_method.bytes().all(|byte| byte.is_ascii_alphabetic() || byte == b'-');
    if !is_method {
        return Err(fields::invalid("dpop_proof_for.http_method", "a method such as GET or POST"));
    }
    let address = fields::text("dpop_proof_for.http_uri", request.http_uri, 2048)?;
    let is_address = Url::parse(&address).is_ok_and(|url| matches!(url.scheme(), "https" | "http") && url.has_host());
    if !is_address {
        return Err(fields::invalid("dpop_proof_for.http_uri", "a whole address: https://api.example.com/orders"));
    }
    let nonce = request.nonce;
    if nonce.len() > 512 || !nonce.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(fields::invalid("dpop_proof_for.nonce", "the `DPoP-Nonce` of the API's answer, or nothing"));
    }
    Ok(ProofRequest { method: request.http_method, address, nonce: (!nonce.is_empty()).then_some(nonce) })
}

/// What is no text is no token: the use case says so as of any other garbage.
fn token(bytes: &[u8]) -> Secret {
    Secret::new(std::str::from_utf8(bytes).unwrap_or("\u{fffd}"))
}

pub(super) fn validate_token(request: v1::ValidateTokenRequest, limits: &Limits) -> Read<validate_token::Question> {
    let needed = request.requirements.unwrap_or_default();
    let names = |field, names| fields::names(field, names, 100);
    let rights = |field, names| fields::rights(field, names, 100);
    Ok(validate_token::Question {
        token: token(&request.token),
        answer_user: request.answer_user,
        refresh: request.refresh,
        context: presented(Vec::new(), request.context, limits)?.context,
        provider: fields::text("provider", request.provider, 64)?,
        requirements: validate_token::Requirements {
            audience: fields::text("requirements.audience", needed.audience, 2048)?,
            needs: Needs {
                scopes: names("requirements.scopes", needed.scopes)?,
                any_scopes: rights("requirements.any_scopes", needed.any_scopes)?,
                permissions: names("requirements.permissions", needed.permissions)?,
                any_permissions: rights("requirements.any_permissions", needed.any_permissions)?,
                roles: rights("requirements.roles", needed.roles)?,
                email_verified: needed.email_verified,
                login: LoginNeeds {
                    acr_values: fields::login_values("requirements.acr_values", needed.acr_values)?,
                    amr_values: fields::login_values("requirements.amr_values", needed.amr_values)?,
                    max_age: fields::duration("requirements.max_login_age", needed.max_login_age, SECOND, YEAR)?,
                },
            },
        },
    })
}

pub(super) fn mint_token(request: v1::MintTokenRequest, limits: &Limits) -> Read<mint_token::Question> {
    let claims = request.application_claims.unwrap_or_default();
    let claims = object(claims, DEEPEST)
        .ok_or_else(|| fields::invalid("application_claims", "JSON values, not nested too deep, all of them set"))?;
    Ok(mint_token::Question {
        presented: presented(request.cookies, request.context, limits)?,
        token: (!request.token.is_empty()).then(|| token(&request.token)),
        audience: if request.token.is_empty() {
            fields::required("audience", request.audience)?
        } else {
            fields::text("audience", request.audience, 2048)?
        },
        lifetime: fields::duration("lifetime", request.lifetime, SECOND, DAY)?,
        claims: fields::names("claims", request.claims, 50)?,
        application_claims: claims,
    })
}

fn object(message: prost_types::Struct, depth: usize) -> Option<Map<String, Value>> {
    let depth = depth.checked_sub(1)?;
    message.fields.into_iter().map(|(name, member)| Some((name, value(member, depth)?))).collect()
}

fn value(message: prost_types::Value, depth: usize) -> Option<Value> {
    use prost_types::value::Kind;
    Some(match message.kind? {
        Kind::NullValue(_) => Value::Null,
        Kind::BoolValue(yes) => Value::Bool(yes),
        Kind::NumberValue(number) => Value::Number(whole(number).map_or_else(|| Number::from_f64(number), Some)?),
        Kind::StringValue(text) => Value::String(text),
        Kind::ListValue(list) => {
            let depth = depth.checked_sub(1)?;
            Value::Array(list.values.into_iter().map(|item| value(item, depth)).collect::<Option<_>>()?)
        }
        Kind::StructValue(inner) => Value::Object(object(inner, depth)?),
    })
}

/// Protobuf knows no whole numbers in JSON; a row's id should not become `5.0`.
#[expect(clippy::cast_possible_truncation, reason = "the range is checked first")]
fn whole(number: f64) -> Option<Number> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    (number.fract() == 0.0 && number.abs() < EXACT).then(|| Number::from(number as i64))
}
