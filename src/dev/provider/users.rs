//! Owns the two test users: who they are, their password, their pictures. Does not know how they log in.

use axum::extract::Path;
use axum::http::{HeaderName, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};

use crate::crypto::equal;

/// The password of every test user.
pub const PASSWORD: &str = "password123";

/// The one-time code of every test user, and of every time.
pub const CODE: &str = "123456";

/// What the test users type as their name.
pub const USERNAMES: [&str; 2] = [USERS[0].email, USERS[1].email];

/// A test user.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct User {
    /// The subject at this issuer, and the name of the picture.
    pub sub: &'static str,
    /// The email address, which is the login name too.
    pub email: &'static str,
    /// The whole name.
    pub name: &'static str,
    given_name: &'static str,
    family_name: &'static str,
    /// What the user may do, as an application might read it.
    pub roles: &'static [&'static str],
    /// The same in finer words.
    pub permissions: &'static [&'static str],
}

/// All of them, in the order in which the login page shows them.
pub(super) const USERS: [User; 2] = [
    User {
        sub: "testuser1",
        email: "testuser1@example.com",
        name: "Tessa Usher",
        given_name: "Tessa",
        family_name: "Usher",
        roles: &["reader", "editor", "admin"],
        permissions: &["orders:read", "orders:write"],
    },
    User {
        sub: "testuser2",
        email: "testuser2@example.com",
        name: "Teo Ushida",
        given_name: "Teo",
        family_name: "Ushida",
        roles: &["reader"],
        permissions: &["orders:read"],
    },
];

/// The user of that name, if the password is theirs. Takes as long for a wrong name as for a wrong password.
pub(super) fn find(username: &str, password: &str) -> Option<&'static User> {
    let right_password = equal(password.as_bytes(), PASSWORD.as_bytes());
    let user = USERS.iter().find(|user| user.email.eq_ignore_ascii_case(username.trim()));
    user.filter(|_| right_password)
}

impl User {
    /// What the ID token and userinfo say under the granted scopes. Roles and permissions come always.
    pub fn claims(&self, scopes: &[String], issuer: &str) -> Map<String, Value> {
        let granted = |scope: &str| scopes.iter().any(|one| one == scope);
        let mut claims = Map::from_iter([
            entry("sub", self.sub),
            entry("roles", self.roles),
            entry("permissions", self.permissions),
        ]);
        if granted("email") {
            claims.extend([entry("email", self.email), entry("email_verified", true)]);
        }
        if granted("profile") {
            claims.extend([
                entry("name", self.name),
                entry("given_name", self.given_name),
                entry("family_name", self.family_name),
                entry("preferred_username", self.email),
                entry("picture", format!("{issuer}/avatars/{}.svg", self.sub)),
                entry("locale", "en"),
            ]);
        }
        claims
    }
}

/// A claim by its name.
pub(super) fn entry(name: &str, value: impl Into<Value>) -> (String, Value) {
    (name.to_owned(), value.into())
}

/// `GET /avatars/{sub}.svg`: a picture, which any page may show.
pub(super) async fn avatar(Path(file): Path<String>) -> Response {
    let picture = match file.as_str() {
        "testuser1.svg" => include_str!("avatars/testuser1.svg"),
        "testuser2.svg" => include_str!("avatars/testuser2.svg"),
        _ => return StatusCode::NOT_FOUND.into_response(),
    };
    let headers = [
        (header::CONTENT_TYPE, "image/svg+xml"),
        (header::CACHE_CONTROL, "max-age=3600"),
        (HeaderName::from_static("cross-origin-resource-policy"), "cross-origin"),
    ];
    (headers, picture).into_response()
}
