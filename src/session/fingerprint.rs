//! Owns the fingerprint: what of a client is expected to stay the same during a session. Does not know who it is.

use std::net::IpAddr;

use ipnet::IpNet;

use super::client::TrustedProxies;
use super::record::Standing;
use super::request::RequestContext;
use crate::crypto::{KeyId, MacRing, equal};

/// What a changed client means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FingerprintMode {
    /// Nothing: it is not looked at.
    Off,
    /// It is noted, in the answer and in the log.
    Warn,
    /// The request is refused.
    Strict,
}

/// How clients are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FingerprintPolicy {
    /// What a changed client means.
    pub mode: FingerprintMode,
    /// Whether the client's network belongs to it, and how much of an address names the network.
    pub network: Option<NetworkPrefixes>,
}

/// How many leading bits of an address name its network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetworkPrefixes {
    /// Of an IPv4 address, 32 at most.
    pub ipv4: u8,
    /// Of an IPv6 address, 128 at most.
    pub ipv6: u8,
}

/// How a client compares with the one at login.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Comparison {
    /// Not compared: switched off, without a context, or none was taken at login.
    #[default]
    None,
    /// The same.
    Matched,
    /// Another.
    Differed,
    /// It can't be told: none of the keys at hand gives what was taken at login, and this one, which may, is missing.
    Unknown(KeyId),
}

/// What was compared, and how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Likeness {
    /// How the client compares.
    pub comparison: Comparison,
    /// Whether its network was compared too.
    pub network: bool,
}

/// The keyed hash of a client's fingerprint: its user agent without version numbers and the first language it accepts.
///
/// Browsers change the rest by themselves, in the midst of a session: they update, to a new major version every few
/// weeks, and take their systems' versions with them; some cut their list of languages down to the first, or do so in
/// private windows. Product, system, device and language stay, and whoever steals a cookie into another browser differs
/// in one of them. A header that is missing counts as one of its own kind, apart from an empty one.
#[must_use]
pub fn take(context: &RequestContext, ring: &MacRing) -> [u8; 16] {
    with_parts(context, |parts| ring.sign(parts).1)
}

/// Compares a client's headers with the hash that was taken at login.
#[must_use]
pub fn compare_headers(context: &RequestContext, at_login: &[u8; 16], ring: &MacRing) -> Comparison {
    if with_parts(context, |parts| ring.tags(parts).any(|tag| equal(&tag, at_login))) {
        return Comparison::Matched;
    }
    ring.missing().map_or(Comparison::Differed, Comparison::Unknown)
}

/// Compares a client with the one at login; `headers` is [`compare_headers`], or whoever remembers what it said. A header
/// that came then and is missing now is a difference, since a thief chooses what to send; that it differs refuses a
/// request and never ends a session. An address comes from the edge and not from the client: where one is missing,
/// networks are not compared.
#[must_use]
pub fn compare(
    context: Option<&RequestContext>,
    standing: &Standing,
    policy: FingerprintPolicy,
    proxies: &TrustedProxies,
    headers: impl FnOnce(&RequestContext, &[u8; 16]) -> Comparison,
) -> Likeness {
    let (Some(context), Some(at_login)) = (context, standing.fingerprint.as_ref()) else { return Likeness::default() };
    if policy.mode == FingerprintMode::Off {
        return Likeness::default();
    }
    let network = policy.network.and_then(|prefixes| {
        let before = standing.client_address.parse().ok()?;
        Some(prefixes.of(before)? == prefixes.of(proxies.client(context)?)?)
    });
    let comparison = if network == Some(false) { Comparison::Differed } else { headers(context, at_login) };
    Likeness { comparison, network: network.is_some() }
}

impl NetworkPrefixes {
    /// The network of an address. An address of the other family is of another network.
    fn of(self, address: IpAddr) -> Option<IpNet> {
        let prefix = if address.is_ipv4() { self.ipv4 } else { self.ipv6 };
        Some(IpNet::new(address, prefix).ok()?.trunc())
    }
}

/// Versions are looked for in the beginning of a user agent, which is all of a browser's; what follows counts as it came.
const AGENT_BYTES: usize = 512;

fn with_parts<T>(context: &RequestContext, run: impl FnOnce(&[&[u8]]) -> T) -> T {
    let (agent, language) = (context.user_agent.as_deref(), context.accept_language.as_deref());
    let came = |value: Option<&[u8]>| [u8::from(value.is_some())];
    let mut plain = [0; AGENT_BYTES];
    let all = agent.unwrap_or_default();
    let (head, rest) = all.split_at(all.len().min(AGENT_BYTES));
    let kind = unversioned(head, &mut plain);
    let mut first = [0; 16];
    let first = first_language(language.unwrap_or_default(), &mut first);
    run(&[&came(agent), kind, rest, &came(language), first])
}

/// A user agent without its version numbers: what begins with a digit, up to the next separator, is left out.
fn unversioned<'a>(agent: &[u8], into: &'a mut [u8; AGENT_BYTES]) -> &'a [u8] {
    let (mut length, mut inside, mut before) = (0, false, b' ');
    for (byte, place) in agent.iter().filter(|byte| kept(**byte, &mut inside, &mut before)).zip(into.iter_mut()) {
        *place = *byte;
        length += 1;
    }
    into.get(..length).unwrap_or_default()
}

fn kept(byte: u8, inside: &mut bool, before: &mut u8) -> bool {
    let separates = |byte: u8| matches!(byte, b' ' | b'/' | b':' | b';' | b',' | b'(' | b')' | b'=');
    *inside = !separates(byte) && (*inside || byte.is_ascii_digit() && separates(*before));
    *before = byte;
    !*inside
}

/// The first language tag, in lower case (RFC 9110, 12.5.4; RFC 5646, 2.1.1).
fn first_language<'a>(languages: &[u8], into: &'a mut [u8; 16]) -> &'a [u8] {
    let tag = languages.split(|byte| matches!(byte, b',' | b';')).next().unwrap_or_default().trim_ascii();
    let length = tag.len().min(into.len());
    for (byte, place) in tag.iter().zip(into.iter_mut()) {
        *place = byte.to_ascii_lowercase();
    }
    into.get(..length).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(agent: &str) -> String {
        String::from_utf8(unversioned(agent.as_bytes(), &mut [0; AGENT_BYTES]).to_vec()).unwrap()
    }

    #[test]
    fn an_update_changes_nothing_and_another_browser_does() {
        let chrome = |major: u32, system: &str| {
            plain(&format!("Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{major}.0.6478.61"))
        };
        let windows = "Windows NT 10.0; Win64; x64";
        assert_eq!(chrome(126, windows), chrome(127, windows));
        assert_ne!(chrome(126, windows), chrome(126, "X11; Linux x86_64"));
        assert_eq!(
            plain("Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7; rv:127.0)"),
            "Mozilla/ (Macintosh; Intel Mac OS X ; rv:)"
        );
        assert_eq!(plain("Android 14; SM-G991B) x86_64"), "Android ; SM-G991B) x86_64");
        assert_eq!(plain(&"x".repeat(2000)).len(), AGENT_BYTES);
    }

    #[test]
    fn the_first_language_counts_whatever_follows() {
        let first = |text: &str| String::from_utf8(first_language(text.as_bytes(), &mut [0; 16]).to_vec()).unwrap();
        assert_eq!(
            (first("de-DE,de;q=0.9"), first("de-de"), first("de-DE;q=1")),
            ("de-de".into(), "de-de".into(), "de-de".into())
        );
        assert_eq!((first(""), first("*"), first(&"x".repeat(99)).len()), (String::new(), "*".into(), 16));
    }

    #[test]
    fn a_network_is_as_wide_as_configured() {
        let prefixes = NetworkPrefixes { ipv4: 24, ipv6: 56 };
        let same = |one: &str, other: &str| prefixes.of(one.parse().unwrap()) == prefixes.of(other.parse().unwrap());
        assert!(same("203.0.113.7", "203.0.113.200") && !same("203.0.113.7", "203.0.114.7"));
        assert!(same("2001:db8:0:ff::1", "2001:db8:0:1::2") && !same("2001:db8:0:ff::1", "2001:db8:0:100::1"));
        assert!(!same("203.0.113.7", "2001:db8::1"));
    }
}
