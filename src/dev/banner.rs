//! Owns the text that `gatelodge dev` prints: where things are, whom to log in as, and commands to paste.
//! Does not know how anything was started.

use std::fmt;

use super::provider::{PASSWORD, USERNAMES};
use crate::crypto::Secret;

/// What to print once everything listens. `Display` is the text, keys included: they are made to be pasted.
///
/// Addresses and keys go between single quotes into commands for a shell, so they must not contain any.
#[derive(Debug)]
pub struct Banner<'a> {
    /// Where the demo page is: `http://localhost:8000`.
    pub edge: &'a str,
    /// The development provider's issuer: `http://127.0.0.1:8090`.
    pub provider: &'a str,
    /// Where the authority listens: `127.0.0.1:50051`.
    pub authority: &'a str,
    /// Where sessions are kept, in words: a path, or "in memory, gone when this ends".
    pub store: &'a str,
    /// The session cookie's whole name.
    pub session_cookie: &'a str,
    /// An API key of the role `edge`.
    pub edge_key: &'a Secret,
    /// An API key of the role `backend`.
    pub backend_key: &'a Secret,
    /// An API key of the role `admin`.
    pub admin_key: &'a Secret,
}

impl fmt::Display for Banner<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { edge, provider, authority, store, .. } = self;
        let [first, second] = USERNAMES;
        let (edge_key, backend_key, admin_key) =
            (self.edge_key.expose(), self.backend_key.expose(), self.admin_key.expose());
        write!(
            f,
            "
Gatelodge is running, for development.

  Demo page    {edge}
  Log in as    {first} or {second}, password {PASSWORD}

  Authority    {authority} (gRPC without TLS)
  Provider     {provider}
  Sessions     {store}

API keys, of these roles
  edge         {edge_key}
  backend      {backend_key}
  admin        {admin_key}

Log in, then try these in another terminal. Each is one line.

  # List the sessions.
  {list}

  # End one: then look at the demo page again. It asks for the session id.
  {revoke}

  # Ask who is behind a cookie. It asks for the cookie's value: developer tools, Application, Cookies.
  {validate}

For the command on the demo page, and for an edge or backend of your own:
  export GATELODGE_ADMIN_KEY='{admin_key}'
  export GATELODGE_ADDRESS='http://{authority}' GATELODGE_API_KEY='{edge_key}'

Ctrl-C ends it all.
",
            list = self.list_command(),
            revoke = self.revoke_command(),
            validate = self.validate_command(),
        )
    }
}

impl Banner<'_> {
    /// A line for a shell that lists the living sessions.
    #[must_use]
    pub fn list_command(&self) -> String {
        self.grpcurl(self.admin_key, "", "AdminService/ListSessions")
    }

    /// A line for a shell that asks for a session id and ends that session.
    #[must_use]
    pub fn revoke_command(&self) -> String {
        let call = self.grpcurl(self.admin_key, "-d @ ", "AdminService/Revoke");
        format!(r#"printf 'session id: '; read -r id; printf '{{"session_id":"%s"}}' "$id" | {call}"#)
    }

    /// A line for a shell that asks for the cookie's value, unseen, and validates it. The value reaches no history
    /// and no list of processes. `base64` since the contract takes what a browser sent as bytes.
    #[must_use]
    pub fn validate_command(&self) -> String {
        let name = self.session_cookie;
        let call = self.grpcurl(self.backend_key, "-d @ ", "SessionService/ValidateSession");
        format!(
            r#"printf 'value of the cookie {name}: '; read -rs cookie; echo; printf '{{"cookies":[{{"name":"{name}","value":"%s"}}]}}' "$(printf %s "$cookie" | base64 | tr -d '\n')" | {call}; unset cookie"#
        )
    }

    fn grpcurl(&self, key: &Secret, data: &str, method: &str) -> String {
        let (key, authority) = (key.expose(), self.authority);
        format!("grpcurl -plaintext -H 'authorization: Bearer {key}' {data}{authority} gatelodge.v1.{method}")
    }
}
