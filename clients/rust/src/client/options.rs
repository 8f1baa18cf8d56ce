//! Owns how to reach an authority: its address, the caller's key, the TLS files, and the variables they come from.
//! Does not know what is asked.

use std::error::Error as _;
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use http::{HeaderValue, Uri};
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};

/// The authority's address. Its scheme decides TLS: `http://` is plaintext, `https://` is TLS.
pub const ADDRESS: &str = "GATELODGE_ADDRESS";
/// This caller's API key.
pub const API_KEY: &str = "GATELODGE_API_KEY";
/// PEM file of the authorities whose certificates are accepted, instead of the public ones.
pub const CA_FILE: &str = "GATELODGE_CA_FILE";
/// PEM file of this caller's own certificate, for mutual TLS.
pub const CERT_FILE: &str = "GATELODGE_CERT_FILE";
/// PEM file of the key of this caller's own certificate.
pub const KEY_FILE: &str = "GATELODGE_KEY_FILE";

/// The tenant that calls are for, by its name or number, where this caller's key is for several.
pub const TENANT: &str = "GATELODGE_TENANT";

/// How many answers this process keeps; 0 for none.
pub const KEEP_ANSWERS: &str = "GATELODGE_KEEP_ANSWERS";
/// As many as fit into about 32 MB.
const ANSWERS: usize = 16_384;

const USER_AGENT: &str = concat!("gatelodge-rust/", env!("CARGO_PKG_VERSION"));
/// A connection takes a few round trips; what takes longer is away, and a person is waiting.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const KEEP_ALIVE_EVERY: Duration = Duration::from_secs(30);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(15);

/// How to reach an authority.
#[derive(Clone)]
pub struct ClientOptions {
    pub(super) address: String,
    pub(super) api_key: Option<String>,
    pub(super) tenant: Option<String>,
    ca_file: Option<PathBuf>,
    cert_file: Option<PathBuf>,
    key_file: Option<PathBuf>,
    pub(super) keep_answers: usize,
    pub(super) check_stream: bool,
}

/// Why options can't be used. Names the variable that sets the option.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum OptionsError {
    /// A required variable is not set, or is empty.
    #[error("{0} is not set: {1}")]
    Missing(&'static str, &'static str),
    /// The address is not an http or https URL of a host and port alone.
    #[error(
        "{ADDRESS} has to be a URL of scheme, host and port such as http://127.0.0.1:50051 or https://auth.example.com, not \"{0}\""
    )]
    Address(String),
    /// The API key holds characters that no header may hold.
    #[error("{API_KEY} holds characters that a key never has (a line end, perhaps)")]
    ApiKey,
    /// The tenant's name holds characters that no header may hold.
    #[error("{TENANT} holds characters that no tenant's name has")]
    Tenant,
    /// The number of answers to keep is none.
    #[error("{KEEP_ANSWERS} has to be a number, 0 for none, not \"{0}\"")]
    KeepAnswers(String),
    /// A TLS file was given for a plaintext address, where it would do nothing.
    #[error("{0} is set, but {ADDRESS} begins with http://, which is plaintext: use https://, or leave {0} out")]
    TlsFileWithoutTls(&'static str),
    /// One of certificate and key was given without the other.
    #[error("{CERT_FILE} and {KEY_FILE} go together: only {0} is set")]
    HalfIdentity(&'static str),
    /// A file can't be read.
    #[error("{name}: can't read {path}")]
    Unreadable {
        /// The variable that names the file.
        name: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The TLS files hold something else than certificates and a key that fit.
    #[error("the files of {CA_FILE}, {CERT_FILE} and {KEY_FILE} can't be used")]
    Tls(#[source] tonic::transport::Error),
}

/// As people read it, with its cause: a `main` that gives an error back shows no more of it than this.
impl fmt::Debug for OptionsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.source() {
            Some(cause) => write!(f, "{self}: {cause}"),
            None => write!(f, "{self}"),
        }
    }
}

impl ClientOptions {
    /// An authority at `address`, asked with `api_key`.
    pub fn new(address: impl Into<String>, api_key: impl Into<String>) -> Self {
        Self { api_key: Some(api_key.into()), ..Self::without_key(address) }
    }

    /// An authority asked without a key, which answers for its health and nothing else.
    pub fn without_key(address: impl Into<String>) -> Self {
        Self {
            address: address.into(),
            api_key: None,
            tenant: None,
            ca_file: None,
            cert_file: None,
            key_file: None,
            keep_answers: ANSWERS,
            check_stream: true,
        }
    }

    /// Asks for this tenant, by its name or number: for a caller whose key is for several. One with a key for one needs it
    /// not, and neither does an edge that serves several hosts: the authority goes by the request then.
    #[must_use]
    pub fn tenant(mut self, name: impl Into<String>) -> Self {
        self.tenant = Some(name.into());
        self
    }

    /// Accepts only certificates issued by those in this PEM file.
    #[must_use]
    pub fn ca_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.ca_file = Some(path.into());
        self
    }

    /// Presents this certificate, for mutual TLS. Both are PEM files.
    #[must_use]
    pub fn identity_files(mut self, certificate: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        (self.cert_file, self.key_file) = (Some(certificate.into()), Some(key.into()));
        self
    }

    /// Keeps at most this many answers of `check` in this process, each for a few seconds; 0 for none. About 2 kB each.
    ///
    /// What ends or changes is dropped as soon as the authority tells, and nothing kept is used while it can't.
    #[must_use]
    pub const fn keep_answers(mut self, most: usize) -> Self {
        self.keep_answers = most;
        self
    }

    /// Whether checks that are under way at the same moment, eight or more, may share a stream (`CheckSessions`), which
    /// costs the authority a small part of as many calls. The default is that they may. A stream stays with one replica
    /// for some minutes: where a balancer has to spread single checks, say no.
    #[must_use]
    pub const fn check_stream(mut self, may: bool) -> Self {
        self.check_stream = may;
        self
    }

    /// Reads [`ADDRESS`], [`API_KEY`], [`TENANT`], [`CA_FILE`], [`CERT_FILE`], [`KEY_FILE`] and [`KEEP_ANSWERS`] from the environment.
    ///
    /// # Errors
    /// When address or key is missing. An empty variable counts as missing.
    pub fn from_env() -> Result<Self, OptionsError> {
        Self::from_variables(|name| std::env::var(name).ok())
    }

    /// As [`ClientOptions::from_env`], with variables from elsewhere.
    ///
    /// # Errors
    /// When address or key is missing. An empty variable counts as missing.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self, OptionsError> {
        let set = |name| variable(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty());
        let file = |name| set(name).map(PathBuf::from);
        Ok(Self {
            address: set(ADDRESS).ok_or(OptionsError::Missing(ADDRESS, "where is the authority?"))?,
            api_key: Some(set(API_KEY).ok_or(OptionsError::Missing(API_KEY, "which key does this caller have?"))?),
            tenant: set(TENANT),
            ca_file: file(CA_FILE),
            cert_file: file(CERT_FILE),
            key_file: file(KEY_FILE),
            keep_answers: match set(KEEP_ANSWERS) {
                Some(most) => most.parse().map_err(|_| OptionsError::KeepAnswers(most))?,
                None => ANSWERS,
            },
            check_stream: true,
        })
    }

    pub(super) fn endpoint(&self) -> Result<Endpoint, OptionsError> {
        let refused = || OptionsError::Address(self.address.escape_debug().to_string());
        let uri: Uri = self.address.parse().map_err(|_| refused())?;
        let tls = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(refused()),
        };
        let bare = uri.path() == "/" && uri.query().is_none();
        if !bare || uri.authority().is_none_or(|authority| authority.as_str().contains('@')) {
            return Err(refused());
        }
        let endpoint = Endpoint::from(uri)
            .user_agent(HeaderValue::from_static(USER_AGENT))
            .map_err(|_| refused())?
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_nodelay(true)
            .http2_keep_alive_interval(KEEP_ALIVE_EVERY)
            .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
            .keep_alive_while_idle(true);
        let files = [(CA_FILE, &self.ca_file), (CERT_FILE, &self.cert_file), (KEY_FILE, &self.key_file)];
        match files.iter().find(|(_, file)| file.is_some()) {
            Some((name, _)) if !tls => Err(OptionsError::TlsFileWithoutTls(name)),
            _ if tls => endpoint.tls_config(self.tls()?).map_err(OptionsError::Tls),
            _ => Ok(endpoint),
        }
    }

    /// Whether key and cookies would cross a network in clear.
    pub(super) fn is_in_clear(&self) -> bool {
        let Ok(uri) = self.address.parse::<Uri>() else { return false };
        let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        let is_here = match host.parse::<IpAddr>() {
            Ok(address) => address.to_canonical().is_loopback(),
            Err(_) => host == "localhost" || host.ends_with(".localhost"),
        };
        uri.scheme_str() == Some("http") && !is_here
    }

    fn tls(&self) -> Result<ClientTlsConfig, OptionsError> {
        let config = match &self.ca_file {
            Some(path) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(read(CA_FILE, path)?)),
            None => ClientTlsConfig::new().with_webpki_roots(),
        };
        match (&self.cert_file, &self.key_file) {
            (None, None) => Ok(config),
            (Some(certificate), Some(key)) => {
                Ok(config.identity(Identity::from_pem(read(CERT_FILE, certificate)?, read(KEY_FILE, key)?)))
            }
            (Some(_), None) => Err(OptionsError::HalfIdentity(CERT_FILE)),
            (None, Some(_)) => Err(OptionsError::HalfIdentity(KEY_FILE)),
        }
    }
}

impl fmt::Debug for ClientOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientOptions").field("address", &self.address).finish_non_exhaustive()
    }
}

fn read(name: &'static str, path: &Path) -> Result<Vec<u8>, OptionsError> {
    std::fs::read(path).map_err(|source| OptionsError::Unreadable { name, path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(variables: &[(&str, &str)]) -> Result<Endpoint, OptionsError> {
        let find = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned());
        ClientOptions::from_variables(find)?.endpoint()
    }

    #[test]
    fn a_fault_names_its_variable() {
        let (here, key) = ((ADDRESS, "http://127.0.0.1:1"), (API_KEY, "k"));
        let secure = (ADDRESS, "https://auth.example.com");
        let table: &[(&[(&str, &str)], &str)] = &[
            (&[key], ADDRESS),
            (&[here], API_KEY),
            (&[here, (API_KEY, " ")], API_KEY),
            (&[(ADDRESS, "127.0.0.1:50051"), key], ADDRESS),
            (&[(ADDRESS, "ftp://auth.example.com"), key], ADDRESS),
            (&[(ADDRESS, "http://auth.example.com/path"), key], ADDRESS),
            (&[(ADDRESS, "http://user@auth.example.com"), key], ADDRESS),
            (&[here, key, (CA_FILE, "ca.pem")], CA_FILE),
            (&[secure, key, (CA_FILE, "/nowhere/ca.pem")], CA_FILE),
            (&[secure, key, (CERT_FILE, "c.pem")], CERT_FILE),
            (&[secure, key, (KEY_FILE, "k.pem")], KEY_FILE),
        ];
        for (variables, named) in table {
            let fault = options(variables).expect_err(&format!("{variables:?}"));
            assert!(fault.to_string().contains(named), "{variables:?}: {fault}");
            assert!(format!("{fault:?}").starts_with(&fault.to_string()), "a main that gives it back says the same");
        }
        let unreadable = options(&[secure, key, (CA_FILE, "/nowhere/ca.pem")]).unwrap_err();
        assert!(format!("{unreadable:?}").contains("No such file"), "{unreadable:?}");
        assert!(options(&[here, key]).is_ok() && options(&[secure, key]).is_ok());
    }

    #[test]
    fn plaintext_to_another_machine_is_in_clear() {
        let in_clear = |address: &str| ClientOptions::new(address, "k").is_in_clear();
        let clear =
            ["http://auth.example.com", "http://10.0.0.7:50051", "http://[2001:db8::1]:1", "http://localhost.example"];
        assert!(clear.into_iter().all(in_clear));
        let here =
            ["http://127.0.0.1:1", "http://127.9.9.9", "http://[::1]:1", "http://localhost:1", "http://a.LOCALHOST"];
        assert!(!here.into_iter().any(in_clear) && !in_clear("https://auth.example.com"));
    }

    #[test]
    fn debug_hides_the_key() {
        assert!(!format!("{:?}", ClientOptions::new("http://a", "canary")).contains("canary"));
    }
}
