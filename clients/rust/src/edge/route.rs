//! Owns the table of routes: their paths, sets and methods. Does not know the calls behind them.

use bytes::Bytes;
use http::Method;

use crate::v1::RouteSet;

/// Stands in a path for the segment that names a provider.
pub(super) const PROVIDER: &str = "{provider}";

/// A route of the contract.
#[derive(Clone, Copy, Debug)]
pub(super) enum Route {
    /// Begins a login.
    Login,
    /// Receives the browser back from the provider.
    Callback,
    /// Says who is logged in.
    Me,
    /// Ends the session.
    Logout,
    /// Receives the browser back from the provider's logout.
    LoggedOut,
    /// A provider's server says that a session has ended there.
    BackchannelLogout,
    /// A page of a provider's logout has the browser say so.
    FrontchannelLogout,
    /// Fetches new tokens from the provider.
    Refresh,
    /// Says all that is known of who is logged in; asked by POST, the provider is asked first.
    UserInfo,
    /// Lists the user's sessions.
    Sessions,
    /// Ends one of them, or all others.
    RevokeSessions,
    /// Begins a login of one tenant's, with the provider that its path names.
    ApiStart,
    /// Receives the browser back from that provider, and sends it on to its front end.
    ApiCallback,
    /// Gives the front end the session that the callback has made.
    ApiSession,
    /// Fetches new tokens for a caller with a key of its own.
    ApiRefresh,
    /// Begins a login whose answer comes to the front end's own page.
    SpaLogin,
    /// Takes that answer from the front end, and gives it a token.
    Authorize,
    /// Says whose such a token is.
    User,
    /// Says whether a proxy may let a request through.
    Verify,
}

impl Route {
    pub(super) const ALL: [Self; 19] = [
        Self::Login,
        Self::Callback,
        Self::Me,
        Self::Logout,
        Self::LoggedOut,
        Self::BackchannelLogout,
        Self::FrontchannelLogout,
        Self::Refresh,
        Self::UserInfo,
        Self::Sessions,
        Self::RevokeSessions,
        Self::ApiStart,
        Self::ApiCallback,
        Self::ApiSession,
        Self::ApiRefresh,
        Self::SpaLogin,
        Self::Authorize,
        Self::User,
        Self::Verify,
    ];

    /// Its path; `{provider}` stands for one segment, whatever is in it.
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Login => "/auth/web/login",
            Self::Callback => "/auth/web/callback",
            Self::Me => "/auth/me",
            Self::Logout => "/auth/web/logout",
            Self::LoggedOut => "/auth/web/logged-out",
            Self::BackchannelLogout => "/auth/web/backchannel-logout",
            Self::FrontchannelLogout => "/auth/web/frontchannel-logout",
            Self::Refresh => "/auth/web/refresh",
            Self::UserInfo => "/auth/web/userinfo",
            Self::Sessions => "/auth/web/sessions",
            Self::RevokeSessions => "/auth/web/sessions/revoke",
            Self::ApiStart => "/v1/auth/oidc/{provider}/start",
            Self::ApiCallback => "/v1/auth/oidc/{provider}/callback",
            Self::ApiSession => "/v1/auth/oidc/session",
            Self::ApiRefresh => "/v1/refresh",
            Self::SpaLogin => "/login",
            Self::Authorize => "/authorize",
            Self::User => "/me",
            Self::Verify => "/auth/verify",
        }
    }

    /// The provider that a path of this route's names, as it stands there; nothing where its paths name none.
    pub(super) fn provider_in(self, path: &str) -> Bytes {
        let names_one = self.path().contains(PROVIDER);
        let provider = path.rsplit('/').nth(1).filter(|_| names_one);
        Bytes::copy_from_slice(provider.unwrap_or_default().as_bytes())
    }

    pub(super) const fn set(self) -> RouteSet {
        match self {
            Self::Login
            | Self::Callback
            | Self::Me
            | Self::Logout
            | Self::LoggedOut
            | Self::BackchannelLogout
            | Self::FrontchannelLogout
            | Self::Refresh
            | Self::UserInfo
            | Self::Sessions
            | Self::RevokeSessions => RouteSet::Web,
            Self::ApiStart | Self::ApiCallback | Self::ApiSession | Self::ApiRefresh => RouteSet::Api,
            Self::SpaLogin | Self::Authorize | Self::User => RouteSet::Spa,
            Self::Verify => RouteSet::Proxy,
        }
    }

    /// Whether a proxy asks and not a browser. Then a 204 to a preflight would let it through, and so would a page of the
    /// application's at this path.
    pub(super) const fn is_for_proxies(self) -> bool {
        matches!(self, Self::Verify)
    }

    /// Whether a request changes and ends nothing, so that it may be given up when nobody waits for it any more.
    pub(super) fn only_reads(self, method: &Method) -> bool {
        match self {
            Self::Me | Self::Sessions | Self::User | Self::Verify => true,
            Self::UserInfo => method != Method::POST,
            Self::Login
            | Self::Callback
            | Self::Logout
            | Self::LoggedOut
            | Self::BackchannelLogout
            | Self::FrontchannelLogout
            | Self::Refresh
            | Self::RevokeSessions
            | Self::ApiStart
            | Self::ApiCallback
            | Self::ApiSession
            | Self::ApiRefresh
            | Self::SpaLogin
            | Self::Authorize => !self.methods().contains(method),
        }
    }

    /// HEAD is no way to begin or complete a login: link checkers and previews send it, and it would spend the state.
    pub(super) const fn methods(self) -> &'static [Method] {
        match self {
            Self::Login
            | Self::LoggedOut
            | Self::FrontchannelLogout
            | Self::ApiStart
            | Self::ApiCallback
            | Self::SpaLogin
            | Self::Verify => &[Method::GET],
            Self::Callback => &[Method::GET, Method::POST],
            Self::Me | Self::Sessions | Self::User => &[Method::GET, Method::HEAD],
            Self::Logout
            | Self::BackchannelLogout
            | Self::Refresh
            | Self::RevokeSessions
            | Self::ApiSession
            | Self::ApiRefresh
            | Self::Authorize => &[Method::POST],
            Self::UserInfo => &[Method::GET, Method::HEAD, Method::POST],
        }
    }
}
