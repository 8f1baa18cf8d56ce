//! Owns the guard against server-side request forgery: which addresses a provider may make us call (security.md 39).
//! Does not know what for.

use std::error::Error;
use std::io;
use std::net::SocketAddr;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Origin, Url};

use super::address::{is_internal, is_public};
use crate::authority::error::Foreign;
use crate::providers::fault::Fault;

/// What is allowed beyond https to public addresses. It holds for the issuer's own origin alone: same scheme, host
/// and port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exception {
    /// Nothing.
    None,
    /// Development: plain http, and addresses of this machine or a private network.
    Development,
    /// Addresses of a private network, by https.
    PrivateNetwork,
}

/// Decides which addresses may be called.
#[derive(Clone, Debug)]
pub struct Guard {
    own: Origin,
    exception: Exception,
}

/// Through which pool of connections a call goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// To public addresses only.
    Outward,
    /// To the issuer's own origin, under the exception.
    Own,
}

impl Guard {
    /// A guard for the provider whose issuer is at `issuer`.
    #[must_use]
    pub fn new(issuer: &Url, exception: Exception) -> Self {
        Self { own: issuer.origin(), exception }
    }

    /// Reads an address and says whether it may be called.
    ///
    /// # Errors
    /// `AddressRefused` with the rule that it breaks.
    pub fn admit(&self, address: &str) -> Result<Url, Fault> {
        let url = Url::parse(address).map_err(|_| Fault::AddressRefused("not a URL"))?;
        self.way(&url)?;
        Ok(url)
    }

    pub(super) fn is_for_development(&self) -> bool {
        self.exception == Exception::Development
    }

    pub(super) fn way(&self, url: &Url) -> Result<Way, Fault> {
        let excepted = self.exception != Exception::None && url.origin() == self.own;
        match url.scheme() {
            "https" => {}
            "http" if excepted && self.exception == Exception::Development => {}
            _ => return Err(Fault::AddressRefused("not https")),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Fault::AddressRefused("it carries a user name"));
        }
        if url.fragment().is_some() {
            return Err(Fault::AddressRefused("it carries a fragment"));
        }
        let way = if excepted { Way::Own } else { Way::Outward };
        let literal = match url.host() {
            Some(Host::Ipv4(v4)) => Some(v4.into()),
            Some(Host::Ipv6(v6)) => Some(v6.into()),
            Some(Host::Domain(_)) => None,
            None => return Err(Fault::AddressRefused("no host")),
        };
        match literal {
            Some(address) if !way.admits(address) => Err(Fault::AddressRefused(NOT_PUBLIC)),
            _ => Ok(way),
        }
    }
}

/// The rule that an address breaks whose host is not on the public internet.
pub const NOT_PUBLIC: &str = "its host is not public";

impl Way {
    fn admits(self, address: std::net::IpAddr) -> bool {
        is_public(address) || (self == Self::Own && is_internal(address))
    }

    /// All addresses of a name, or none: a name that points both ways is not to be trusted.
    fn vet(self, addresses: Vec<SocketAddr>) -> Result<Vec<SocketAddr>, Refused> {
        if addresses.iter().all(|address| self.admits(address.ip())) { Ok(addresses) } else { Err(Refused) }
    }
}

/// Resolves names to addresses that were checked, so that a connection goes where the check looked.
pub(super) struct Resolver {
    way: Way,
}

impl Resolver {
    pub(super) const fn new(way: Way) -> Self {
        Self { way }
    }
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let way = self.way;
        Box::pin(async move {
            let addresses = tokio::net::lookup_host((name.as_str(), 0)).await.map_err(Unresolved)?.collect();
            Ok(Box::new(way.vet(addresses)?.into_iter()) as Addrs)
        })
    }
}

#[derive(Debug, thiserror::Error)]
#[error("a name resolves to an address that is not public")]
struct Refused;

#[derive(Debug, thiserror::Error)]
#[error("the name can't be resolved")]
struct Unresolved(#[source] io::Error);

/// Says what a failed request means. The address is left out: it stays out of logs.
pub(super) fn fault_of(error: reqwest::Error) -> Fault {
    let error = error.without_url();
    if causes(&error).any(<dyn Error>::is::<Refused>) {
        return Fault::AddressRefused(NOT_PUBLIC);
    }
    let word = causes(&error).find_map(word);
    match error {
        // First of all, also where it took too long: what was never sent was never done.
        unsent if unsent.is_connect() || unsent.is_builder() => Fault::Connection(Foreign::new(unsent, word)),
        late if late.is_timeout() => Fault::Timeout,
        broken => Fault::Lost(Foreign::new(broken, word)),
    }
}

fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |&cause| cause.source())
}

/// What this machine itself says of a cause: nothing that came over the wire.
fn word(cause: &(dyn Error + 'static)) -> Option<String> {
    if cause.is::<Unresolved>() {
        return Some(cause.to_string());
    }
    let of_the_system = cause.downcast_ref::<io::Error>().filter(|error| error.raw_os_error().is_some());
    of_the_system.map(|error| error.kind().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admits(issuer: &str, exception: Exception, address: &str) -> bool {
        Guard::new(&Url::parse(issuer).unwrap(), exception).admit(address).is_ok()
    }

    // security.md 39.
    #[test]
    fn without_an_exception_only_https_to_public_hosts_is_called() {
        let issuer = "https://op.example";
        assert!(admits(issuer, Exception::None, "https://op.example/token?a=b"));
        assert!(admits(issuer, Exception::None, "https://elsewhere.example:8443/token"));
        for address in [
            "http://op.example/",
            "file:///etc/passwd",
            "gopher://op.example/",
            "ftp://op.example/",
            "data:,x",
            "/x",
            "https://user@op.example/",
            "https://:pw@op.example/",
            "https://op.example/#f",
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://0177.0.0.1/",
            "https://0x7f.1/",
            "https://127.1/",
            "https://[::1]/",
            "https://[::]/",
            "https://[::ffff:10.0.0.1]/",
            "https://169.254.169.254/",
            "https://①②⑦.0.0.1/",
            "https://",
        ] {
            assert!(!admits(issuer, Exception::None, address), "{address}");
        }
    }

    #[test]
    fn the_exception_holds_for_the_issuers_own_origin_alone() {
        let issuer = "http://127.0.0.1:8080/realms/x";
        assert!(admits(issuer, Exception::Development, "http://127.0.0.1:8080/token"));
        for address in
            ["http://127.0.0.1:8081/", "https://127.0.0.1:8080/", "http://localhost:8080/", "http://a.example/"]
        {
            assert!(!admits(issuer, Exception::Development, address), "{address}");
        }
        assert!(!admits(issuer, Exception::PrivateNetwork, "http://127.0.0.1:8080/token"));
        let inner = "https://10.0.0.5";
        assert!(admits(inner, Exception::PrivateNetwork, "https://10.0.0.5/token"));
        assert!(!admits(inner, Exception::PrivateNetwork, "https://10.0.0.6/token"));
        assert!(!admits("https://169.254.169.254", Exception::PrivateNetwork, "https://169.254.169.254/latest"));
    }

    // security.md 39: no rebinding, and no name with one good address among bad ones.
    #[test]
    fn a_name_counts_by_its_worst_address() {
        let addresses = |list: &[&str]| list.iter().map(|a| a.parse().unwrap()).collect::<Vec<SocketAddr>>();
        assert!(Way::Outward.vet(addresses(&["8.8.8.8:0", "[2606:4700::1]:0"])).is_ok());
        assert!(Way::Outward.vet(addresses(&["8.8.8.8:0", "127.0.0.1:0"])).is_err());
        assert!(Way::Own.vet(addresses(&["8.8.8.8:0", "127.0.0.1:0"])).is_ok());
        assert!(Way::Own.vet(addresses(&["127.0.0.1:0", "169.254.169.254:0"])).is_err());
    }
}
