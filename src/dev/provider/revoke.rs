//! Owns token revocation (RFC 7009). Does not know why a client revokes.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};

use super::desk::Desk;
use super::parameters::Parameters;
use super::refusal::ClientRefusal;

/// `POST /revoke`. A token that is not known is no error (RFC 7009, 2.2).
pub(super) async fn revoke(
    State(desk): State<Arc<Desk>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, ClientRefusal> {
    let form = Parameters::of_form(&headers, &body)?;
    desk.client.authenticate(&headers, &form)?;
    let token = form.get("token").ok_or(ClientRefusal::invalid_request("token is missing"))?;
    desk.ledger().revoke(token, desk.now());
    Ok(StatusCode::OK)
}
