//! Owns an authority that answers as told and remembers what it was asked. Does not know what is right.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gatelodge_client::v1::{
    self, admin_service_server, login_service_server, session_service_server, token_service_server,
};
use gatelodge_client::{Client, ClientOptions};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio_stream::wrappers::{TcpListenerStream, UnboundedReceiverStream};
use tonic::metadata::MetadataMap;
use tonic::transport::Server;
use tonic::{Extensions, Request, Response, Status, Streaming};

use crate::stream::{Answers, Stream};

/// The key that every client here presents.
pub const KEY: &str = "gl_edge_canary";

type Rule<Q, A> = Box<dyn Fn(&Q) -> Result<A, Status> + Send>;

/// One method's answers, in order; the last one stays. And what it was asked.
pub struct Script<Q, A> {
    answers: Mutex<VecDeque<Result<A, Status>>>,
    rule: Mutex<Option<Rule<Q, A>>>,
    asked: Mutex<Vec<(MetadataMap, Extensions, Q)>>,
    delay: Mutex<Duration>,
}

impl<Q, A> Default for Script<Q, A> {
    fn default() -> Self {
        Self { answers: Mutex::default(), rule: Mutex::default(), asked: Mutex::default(), delay: Mutex::default() }
    }
}

impl<Q: Clone, A: Clone> Script<Q, A> {
    /// What to answer from now on.
    pub fn say(&self, answers: impl IntoIterator<Item = Result<A, Status>>) {
        *self.answers.lock().unwrap() = answers.into_iter().collect();
    }

    /// What to answer from now on, by the question.
    pub fn judge(&self, rule: impl Fn(&Q) -> Result<A, Status> + Send + 'static) {
        *self.rule.lock().unwrap() = Some(Box::new(rule));
    }

    /// How long each answer takes from now on.
    pub fn take(&self, delay: Duration) {
        *self.delay.lock().unwrap() = delay;
    }

    /// Every question so far.
    pub fn asked(&self) -> Vec<Q> {
        self.asked.lock().unwrap().iter().map(|(_, _, question)| question.clone()).collect()
    }

    /// How often it was asked.
    pub fn count(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    /// The last question.
    pub fn last(&self) -> Q {
        self.asked().pop().expect("it was never asked")
    }

    /// A metadata value of the last question.
    pub fn metadata(&self, name: &str) -> Option<String> {
        let asked = self.asked.lock().unwrap();
        asked.last()?.0.get(name).map(|value| value.to_str().unwrap().to_owned())
    }

    /// What layers before the methods put beside every question so far.
    pub fn extensions(&self) -> Vec<Extensions> {
        self.asked.lock().unwrap().iter().map(|(_, extensions, _)| extensions.clone()).collect()
    }

    async fn answer(&self, request: Request<Q>) -> Result<Response<A>, Status> {
        let asked = request.into_parts();
        let ruled = self.rule.lock().unwrap().as_ref().map(|rule| rule(&asked.2));
        self.asked.lock().unwrap().push(asked);
        let delay = *self.delay.lock().unwrap();
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        let next = if ruled.is_some() {
            ruled
        } else {
            let mut answers = self.answers.lock().unwrap();
            if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() }
        };
        match next {
            Some(answer) => answer.map(Response::new),
            None => std::future::pending().await,
        }
    }
}

type Message = Result<v1::WatchSessionsResponse, Status>;

/// Who watches, and what they are told.
#[derive(Default)]
pub struct Watched {
    watchers: Mutex<Vec<UnboundedSender<Message>>>,
    asked: Mutex<Vec<v1::WatchSessionsRequest>>,
}

impl Watched {
    /// Tells everybody who watches.
    pub fn tell(&self, message: &v1::WatchSessionsResponse) {
        self.watchers.lock().unwrap().retain(|watcher| watcher.send(Ok(message.clone())).is_ok());
    }

    /// Ends every stream.
    pub fn cut(&self) {
        self.watchers.lock().unwrap().clear();
    }

    /// Every question so far.
    pub fn asked(&self) -> Vec<v1::WatchSessionsRequest> {
        self.asked.lock().unwrap().clone()
    }
}

/// The scripts of every method. A method without a script never answers.
#[derive(Default)]
pub struct Scripts {
    pub settings: Script<v1::GetEdgeSettingsRequest, v1::GetEdgeSettingsResponse>,
    pub providers: Script<v1::LoginServiceListProvidersRequest, v1::LoginServiceListProvidersResponse>,
    pub login: Script<v1::StartLoginRequest, v1::StartLoginResponse>,
    pub callback: Script<v1::CompleteCallbackRequest, v1::CompleteCallbackResponse>,
    pub logout: Script<v1::StartLogoutRequest, v1::StartLogoutResponse>,
    pub logged_out: Script<v1::CompleteLogoutRequest, v1::CompleteLogoutResponse>,
    pub told_by_server: Script<v1::HandleBackchannelLogoutRequest, v1::HandleBackchannelLogoutResponse>,
    pub told_by_page: Script<v1::HandleFrontchannelLogoutRequest, v1::HandleFrontchannelLogoutResponse>,
    pub validate: Script<v1::ValidateSessionRequest, v1::ValidateSessionResponse>,
    pub stream: Stream,
    pub refresh: Script<v1::RefreshTokensRequest, v1::RefreshTokensResponse>,
    pub access_token: Script<v1::GetAccessTokenRequest, v1::GetAccessTokenResponse>,
    pub user_info: Script<v1::GetUserInfoRequest, v1::GetUserInfoResponse>,
    pub user_sessions: Script<v1::ListUserSessionsRequest, v1::ListUserSessionsResponse>,
    pub attributes: Script<v1::GetAttributesRequest, v1::GetAttributesResponse>,
    pub update: Script<v1::UpdateAttributesRequest, v1::UpdateAttributesResponse>,
    pub validate_token: Script<v1::ValidateTokenRequest, v1::ValidateTokenResponse>,
    pub mint: Script<v1::MintTokenRequest, v1::MintTokenResponse>,
    pub jwks: Script<v1::GetJwksRequest, v1::GetJwksResponse>,
    pub watched: Watched,
    pub revoke: Script<v1::SessionServiceRevokeRequest, v1::SessionServiceRevokeResponse>,
    pub list: Script<v1::ListSessionsRequest, v1::ListSessionsResponse>,
    pub get: Script<v1::GetSessionRequest, v1::GetSessionResponse>,
    pub admin_revoke: Script<v1::AdminServiceRevokeRequest, v1::AdminServiceRevokeResponse>,
    pub preview: Script<v1::PreviewRevokeRequest, v1::PreviewRevokeResponse>,
    pub user: Script<v1::GetUserRequest, v1::GetUserResponse>,
    pub users: Script<v1::ListUsersRequest, v1::ListUsersResponse>,
    pub disable: Script<v1::DisableUserRequest, v1::DisableUserResponse>,
    pub enable: Script<v1::EnableUserRequest, v1::EnableUserResponse>,
    pub delete: Script<v1::DeleteUserRequest, v1::DeleteUserResponse>,
    pub create_key: Script<v1::CreateCallerKeyRequest, v1::CreateCallerKeyResponse>,
    pub list_keys: Script<v1::ListCallerKeysRequest, v1::ListCallerKeysResponse>,
    pub revoke_key: Script<v1::RevokeCallerKeyRequest, v1::RevokeCallerKeyResponse>,
    pub audit: Script<v1::ListAuditRequest, v1::ListAuditResponse>,
    /// Each watcher hears one, and then the stream ends.
    pub told: Script<v1::WatchAuditRequest, v1::WatchAuditResponse>,
    pub explain: Script<v1::ExplainLoginRequest, v1::ExplainLoginResponse>,
}

/// A running authority; it ends with the test's runtime.
#[derive(Clone)]
pub struct Authority {
    pub scripts: Arc<Scripts>,
    pub address: SocketAddr,
}

impl std::ops::Deref for Authority {
    type Target = Scripts;
    fn deref(&self) -> &Scripts {
        &self.scripts
    }
}

impl Authority {
    /// One that has settings.
    pub async fn start() -> Self {
        let authority = Self::without_settings().await;
        authority.settings.say([Ok(settings("v1"))]);
        authority
    }

    /// One that does not answer about settings yet.
    pub async fn without_settings() -> Self {
        let scripts = Arc::new(Scripts::default());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        serve(Server::builder(), Arc::clone(&scripts), listener);
        Self { scripts, address }
    }

    pub fn client(&self) -> Client {
        Client::connect(&ClientOptions::new(format!("http://{}", self.address), KEY)).unwrap()
    }
}

/// Serves scripts in the background.
pub fn serve(mut server: Server, scripts: Arc<Scripts>, listener: TcpListener) {
    let router = server
        .add_service(login_service_server::LoginServiceServer::from_arc(Arc::clone(&scripts)))
        .add_service(session_service_server::SessionServiceServer::from_arc(Arc::clone(&scripts)))
        .add_service(token_service_server::TokenServiceServer::from_arc(Arc::clone(&scripts)))
        .add_service(admin_service_server::AdminServiceServer::from_arc(scripts));
    tokio::spawn(router.serve_with_incoming(TcpListenerStream::new(listener)));
}

/// Settings such as a real authority gives in development.
pub fn settings(version: &str) -> v1::GetEdgeSettingsResponse {
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    v1::GetEdgeSettingsResponse {
        settings: Some(v1::EdgeSettings {
            version: version.into(),
            ask_again_after: Some(prost_types::Duration { seconds: 300, nanos: 0 }),
            session_cookie_names: texts(&["__Host-session", "session"]),
            binding_cookie_names: texts(&["__Host-login"]),
            csrf_header: "x-csrf-token".into(),
            public_base_url: "https://app.example.com".into(),
            callback_addresses: Vec::new(),
            cors: Some(v1::CorsSettings {
                allowed_origins: texts(&["http://localhost:5173"]),
                allowed_methods: texts(&["GET", "POST"]),
                allowed_headers: texts(&["content-type", "x-csrf-token"]),
                exposed_headers: texts(&["x-csrf-token"]),
                max_age: Some(prost_types::Duration { seconds: 600, nanos: 0 }),
            }),
            limits: Some(v1::Limits {
                max_cookie_bytes: 4096,
                max_cookies: 3,
                max_header_bytes: 100,
                max_query_bytes: 200,
                max_body_bytes: 1000,
            }),
            route_sets: vec![v1::RouteSet::Web.into()],
            ..v1::EdgeSettings::default()
        }),
        others: Vec::new(),
    }
}

/// A session that lives, with everything judged that a POST needs.
pub fn active() -> v1::ActiveSession {
    v1::ActiveSession {
        identity: Some(v1::Identity {
            user_id: "google_1".into(),
            provider: "google".into(),
            email: "ada@example.com".into(),
            ..Default::default()
        }),
        session: Some(v1::SessionInfo { session_id: "sid_1".into(), ..Default::default() }),
        judged: Some(v1::JudgedRequirements { csrf: true, origin: true, ..Default::default() }),
        ..Default::default()
    }
}

/// An answer with this outcome.
#[expect(clippy::unnecessary_wraps, reason = "a script takes answers and failures alike")]
pub fn outcome(outcome: v1::validate_session_response::Outcome) -> Result<v1::ValidateSessionResponse, Status> {
    Ok(v1::ValidateSessionResponse { outcome: Some(outcome), settings_version: "v1".into() })
}

/// A finished answer as an authority writes it.
pub fn http(status: u32, body: &'static str) -> v1::HttpAnswer {
    v1::HttpAnswer {
        status,
        content_type: "application/json".into(),
        headers: vec![v1::HttpHeader { name: "cache-control".into(), value: "no-store, private".into() }],
        body: body.into(),
        ..Default::default()
    }
}

macro_rules! answer_from_scripts {
    ($service:path { $($method:ident: $script:ident($question:ident) -> $answer:ident),* $(,)? } $($more:tt)*) => {
        #[tonic::async_trait]
        impl $service for Scripts {
            $($more)*
            $(async fn $method(&self, request: Request<v1::$question>) -> Result<Response<v1::$answer>, Status> {
                self.$script.answer(request).await
            })*
        }
    };
}

answer_from_scripts!(login_service_server::LoginService {
    get_edge_settings: settings(GetEdgeSettingsRequest) -> GetEdgeSettingsResponse,
    list_providers: providers(LoginServiceListProvidersRequest) -> LoginServiceListProvidersResponse,
    start_login: login(StartLoginRequest) -> StartLoginResponse,
    complete_callback: callback(CompleteCallbackRequest) -> CompleteCallbackResponse,
    start_logout: logout(StartLogoutRequest) -> StartLogoutResponse,
    complete_logout: logged_out(CompleteLogoutRequest) -> CompleteLogoutResponse,
    handle_backchannel_logout: told_by_server(HandleBackchannelLogoutRequest) -> HandleBackchannelLogoutResponse,
    handle_frontchannel_logout: told_by_page(HandleFrontchannelLogoutRequest) -> HandleFrontchannelLogoutResponse,
});
answer_from_scripts!(session_service_server::SessionService {
    validate_session: validate(ValidateSessionRequest) -> ValidateSessionResponse,
    refresh_tokens: refresh(RefreshTokensRequest) -> RefreshTokensResponse,
    get_access_token: access_token(GetAccessTokenRequest) -> GetAccessTokenResponse,
    get_user_info: user_info(GetUserInfoRequest) -> GetUserInfoResponse,
    list_user_sessions: user_sessions(ListUserSessionsRequest) -> ListUserSessionsResponse,
    get_attributes: attributes(GetAttributesRequest) -> GetAttributesResponse,
    update_attributes: update(UpdateAttributesRequest) -> UpdateAttributesResponse,
    revoke: revoke(SessionServiceRevokeRequest) -> SessionServiceRevokeResponse,
}
    type WatchSessionsStream = UnboundedReceiverStream<Message>;
    type CheckSessionsStream = Answers;

    async fn watch_sessions(
        &self,
        request: Request<v1::WatchSessionsRequest>,
    ) -> Result<Response<Self::WatchSessionsStream>, Status> {
        let (sender, receiver) = unbounded_channel();
        self.watched.watchers.lock().unwrap().push(sender);
        self.watched.asked.lock().unwrap().push(request.into_inner());
        Ok(Response::new(UnboundedReceiverStream::new(receiver)))
    }

    async fn check_sessions(
        &self,
        request: Request<Streaming<v1::CheckSessionsRequest>>,
    ) -> Result<Response<Answers>, Status> {
        self.stream.open(request)
    }
);
answer_from_scripts!(token_service_server::TokenService {
    validate_token: validate_token(ValidateTokenRequest) -> ValidateTokenResponse,
    mint_token: mint(MintTokenRequest) -> MintTokenResponse,
    get_jwks: jwks(GetJwksRequest) -> GetJwksResponse,
});
answer_from_scripts!(admin_service_server::AdminService {
    list_sessions: list(ListSessionsRequest) -> ListSessionsResponse,
    get_session: get(GetSessionRequest) -> GetSessionResponse,
    revoke: admin_revoke(AdminServiceRevokeRequest) -> AdminServiceRevokeResponse,
    preview_revoke: preview(PreviewRevokeRequest) -> PreviewRevokeResponse,
    get_user: user(GetUserRequest) -> GetUserResponse,
    list_users: users(ListUsersRequest) -> ListUsersResponse,
    disable_user: disable(DisableUserRequest) -> DisableUserResponse,
    enable_user: enable(EnableUserRequest) -> EnableUserResponse,
    delete_user: delete(DeleteUserRequest) -> DeleteUserResponse,
    create_caller_key: create_key(CreateCallerKeyRequest) -> CreateCallerKeyResponse,
    list_caller_keys: list_keys(ListCallerKeysRequest) -> ListCallerKeysResponse,
    revoke_caller_key: revoke_key(RevokeCallerKeyRequest) -> RevokeCallerKeyResponse,
    list_audit: audit(ListAuditRequest) -> ListAuditResponse,
    explain_login: explain(ExplainLoginRequest) -> ExplainLoginResponse,
}
    type WatchAuditStream = UnboundedReceiverStream<Result<v1::WatchAuditResponse, Status>>;

    async fn watch_audit(
        &self,
        request: Request<v1::WatchAuditRequest>,
    ) -> Result<Response<Self::WatchAuditStream>, Status> {
        let told = self.told.answer(request).await?.into_inner();
        let (sender, receiver) = unbounded_channel();
        drop(sender.send(Ok(told)));
        Ok(Response::new(UnboundedReceiverStream::new(receiver)))
    }
);
