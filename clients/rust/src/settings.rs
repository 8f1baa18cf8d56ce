//! Owns the settings of an edge, read once so that every request can go by them. Does not know where they came from.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderName, HeaderValue};

use crate::v1;
use crate::v1::RouteSet;

/// [`v1::EdgeSettings`], checked: what can't become a header is found here and not at a request.
#[derive(Debug, Default)]
pub(crate) struct Settings {
    pub(crate) version: String,
    pub(crate) ask_again_after: Duration,
    /// Whether browsers reach the edge by https, as the configuration says; never what a request looked like.
    pub(crate) is_https: bool,
    pub(crate) session_cookies: Vec<String>,
    pub(crate) binding_cookies: Vec<String>,
    pub(crate) csrf_header: Option<HeaderName>,
    pub(crate) callbacks: Vec<v1::CallbackAddress>,
    pub(crate) cors: Cors,
    pub(crate) limits: Limits,
    pub(crate) place_header: Option<HeaderName>,
    hosts: Vec<String>,
    route_sets: Vec<i32>,
}

/// [`v1::CorsSettings`] as header values. An absent one is not sent.
#[derive(Debug, Default)]
pub(crate) struct Cors {
    pub(crate) allowed_origins: Vec<String>,
    pub(crate) allowed_methods: Option<HeaderValue>,
    pub(crate) allowed_headers: Option<HeaderValue>,
    pub(crate) exposed_headers: Option<HeaderValue>,
    pub(crate) max_age: Option<HeaderValue>,
}

/// [`v1::Limits`]. One that the authority did not state is no limit here: the authority judges all the same. But a body
/// is held in memory, so it has one in any case.
#[derive(Debug)]
pub(crate) struct Limits {
    pub(crate) cookie_bytes: usize,
    pub(crate) cookies: usize,
    pub(crate) header_bytes: usize,
    pub(crate) query_bytes: usize,
    pub(crate) body_bytes: usize,
}

const LONGEST_BODY: usize = 64 * 1024;

impl Default for Limits {
    fn default() -> Self {
        let any = usize::MAX;
        Self { cookie_bytes: any, cookies: any, header_bytes: any, query_bytes: any, body_bytes: LONGEST_BODY }
    }
}

/// How often to ask when the authority does not say.
const ASK_AGAIN_AFTER: Duration = Duration::from_mins(1);
/// However short the time to ask again is, an authority is not asked in a tight circle.
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);

impl Settings {
    /// Reads settings; `Err` names the field that can't be used.
    pub(crate) fn read(settings: v1::EdgeSettings) -> Result<Self, &'static str> {
        if settings.session_cookie_names.is_empty() {
            return Err("session_cookie_names");
        }
        let ask_again_after = settings.ask_again_after.and_then(|after| Duration::try_from(after).ok());
        Ok(Self {
            version: settings.version,
            ask_again_after: ask_again_after.unwrap_or(ASK_AGAIN_AFTER).max(SHORTEST_PAUSE),
            is_https: settings.public_base_url.starts_with("https://"),
            session_cookies: settings.session_cookie_names,
            binding_cookies: settings.binding_cookie_names,
            csrf_header: Some(settings.csrf_header.parse().map_err(|_| "csrf_header")?),
            callbacks: settings.callback_addresses,
            cors: Cors::read(settings.cors.unwrap_or_default())?,
            limits: settings.limits.map(|limits| Limits::read(&limits)).unwrap_or_default(),
            place_header: match settings.place_header.as_str() {
                "" => None,
                name => Some(name.parse().map_err(|_| "place_header")?),
            },
            hosts: settings.hosts,
            route_sets: settings.route_sets,
        })
    }

    pub(crate) fn is_on(&self, set: RouteSet) -> bool {
        self.route_sets.contains(&set.into())
    }
}

/// The settings of every tenant whose requests come to an edge.
#[derive(Debug)]
pub(crate) struct Settled {
    first: Arc<Settings>,
    others: Vec<Arc<Settings>>,
}

impl Settled {
    /// Reads an answer; `Err` names the field that can't be used.
    pub(crate) fn read(answer: v1::GetEdgeSettingsResponse) -> Result<Self, &'static str> {
        let first = Settings::read(answer.settings.ok_or("settings")?)?.into();
        let others =
            answer.others.into_iter().map(|other| Settings::read(other).map(Arc::new)).collect::<Result<_, _>>();
        Ok(Self { first, others: others? })
    }

    /// The settings for requests with this Host: of the tenant that is reached there, else the first.
    pub(crate) fn of(&self, host: Option<&[u8]>) -> &Arc<Settings> {
        match host {
            Some(host) if !self.others.is_empty() => {
                let has = |wanted: &[u8]| {
                    let is = |own: &String| own.as_bytes().eq_ignore_ascii_case(wanted);
                    self.all().find(|settings| settings.hosts.iter().any(is))
                };
                has(host).or_else(|| has(without_port(host))).unwrap_or(&self.first)
            }
            _ => &self.first,
        }
    }

    /// The settings of each tenant.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Settings>> {
        std::iter::once(&self.first).chain(&self.others)
    }

    pub(crate) fn version(&self) -> &str {
        &self.first.version
    }

    pub(crate) fn ask_again_after(&self) -> Duration {
        self.first.ask_again_after
    }
}

/// What precedes the last `:` and digits; an IPv6 address has brackets where it has a port.
fn without_port(host: &[u8]) -> &[u8] {
    let end = host.iter().rposition(|byte| *byte == b':').unwrap_or(host.len());
    let (name, port) = host.split_at_checked(end).unwrap_or((host, &[]));
    if port.iter().skip(1).all(u8::is_ascii_digit) { name } else { host }
}

impl Cors {
    fn read(cors: v1::CorsSettings) -> Result<Self, &'static str> {
        let list = |names: &[String], field| match names.join(", ") {
            none if none.is_empty() => Ok(None),
            some => HeaderValue::try_from(some).map(Some).map_err(|_| field),
        };
        Ok(Self {
            allowed_methods: list(&cors.allowed_methods, "cors.allowed_methods")?,
            allowed_headers: list(&cors.allowed_headers, "cors.allowed_headers")?,
            exposed_headers: list(&cors.exposed_headers, "cors.exposed_headers")?,
            max_age: cors.max_age.map(|age| HeaderValue::from(age.seconds)),
            allowed_origins: cors.allowed_origins,
        })
    }
}

impl Limits {
    fn read(limits: &v1::Limits) -> Self {
        let stated = |limit: u32| match usize::try_from(limit) {
            Ok(0) | Err(_) => usize::MAX,
            Ok(limit) => limit,
        };
        Self {
            cookie_bytes: stated(limits.max_cookie_bytes),
            cookies: stated(limits.max_cookies),
            header_bytes: stated(limits.max_header_bytes),
            query_bytes: stated(limits.max_query_bytes),
            body_bytes: match stated(limits.max_body_bytes) {
                usize::MAX => LONGEST_BODY,
                stated => stated,
            },
        }
    }
}
