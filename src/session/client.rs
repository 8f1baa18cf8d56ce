//! Owns the rule that finds the client's address behind proxies. Does not know how a request came in.

use std::net::IpAddr;

use bytes::Bytes;
use ipnet::IpNet;

use super::request::RequestContext;

/// Proxies whose forwarded lines are believed. None by default: the edge's peer is the client.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(pub Vec<IpNet>);

impl TrustedProxies {
    /// The client's address: from the edge's peer backwards through X-Forwarded-For, or Forwarded where there is
    /// none, the first one that is not a trusted proxy. A line that can't be read ends the search there.
    #[must_use]
    pub fn client(&self, context: &RequestContext) -> Option<IpAddr> {
        let peer = address(context.peer_address.as_deref()?)?;
        if !self.trusts(peer) {
            return Some(peer);
        }
        let hops = if context.x_forwarded_for.is_empty() {
            list(&context.forwarded).map(|element| forwarded_for(&element)).collect::<Vec<_>>()
        } else {
            list(&context.x_forwarded_for).map(|element| address(&element)).collect()
        };
        let mut client = peer;
        for hop in hops.into_iter().rev() {
            let Some(hop) = hop else { break };
            client = hop;
            if !self.trusts(hop) {
                break;
            }
        }
        Some(client)
    }

    /// Whether this address, as an edge passes it, is that of one of them.
    #[must_use]
    pub fn are_at(&self, peer: &[u8]) -> bool {
        address(peer).is_some_and(|address| self.trusts(address))
    }

    fn trusts(&self, address: IpAddr) -> bool {
        self.0.iter().any(|net| net.contains(&address))
    }
}

/// The comma-separated elements of several header lines, in order.
fn list(lines: &[Bytes]) -> impl Iterator<Item = Vec<u8>> + '_ {
    lines.iter().flat_map(|line| line.split(|byte| *byte == b',')).map(|part| part.trim_ascii().to_vec())
}

/// An address, with or without port and brackets. A mapped IPv4 address counts as IPv4.
fn address(text: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let bare = if let Some(rest) = text.strip_prefix('[') {
        rest.split_once(']')?.0
    } else if text.matches(':').count() == 1 {
        text.split_once(':')?.0
    } else {
        text
    };
    bare.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

/// The `for` parameter of one Forwarded element (RFC 7239, 4).
fn forwarded_for(element: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(element).ok()?;
    let value = text.split(';').find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        name.eq_ignore_ascii_case("for").then_some(value)
    })?;
    address(value.trim_matches('"').as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(
        peer: &'static str,
        xff: &[&'static str],
        forwarded: &[&'static str],
        trusted: &[&str],
    ) -> Option<String> {
        let lines = |lines: &[&'static str]| lines.iter().map(|l| Bytes::from_static(l.as_bytes())).collect();
        let context = RequestContext {
            peer_address: Some(Bytes::from_static(peer.as_bytes())),
            x_forwarded_for: lines(xff),
            forwarded: lines(forwarded),
            ..Default::default()
        };
        let trusted = TrustedProxies(trusted.iter().map(|net| net.parse().unwrap()).collect());
        trusted.client(&context).map(|address| address.to_string())
    }

    #[test]
    fn forwarded_lines_count_only_from_trusted_proxies() {
        let spoofed = &["1.2.3.4, 5.6.7.8"];
        assert_eq!(client("9.9.9.9", spoofed, &[], &[]).as_deref(), Some("9.9.9.9"));
        assert_eq!(client("10.0.0.1", spoofed, &[], &["10.0.0.0/8"]).as_deref(), Some("5.6.7.8"));
        assert_eq!(
            client("10.0.0.1", &["1.2.3.4", "5.6.7.8, 10.0.0.2"], &[], &["10.0.0.0/8"]).as_deref(),
            Some("5.6.7.8")
        );
        assert_eq!(client("10.0.0.1", &["10.0.0.3"], &[], &["10.0.0.0/8"]).as_deref(), Some("10.0.0.3"));
        assert_eq!(client("10.0.0.1", &["1.2.3.4, rubbish"], &[], &["10.0.0.0/8"]).as_deref(), Some("10.0.0.1"));
    }

    #[test]
    fn every_form_of_an_address_is_read() {
        let trusted = &["10.0.0.0/8"];
        assert_eq!(client("10.0.0.1", &["[2001:db8::7]:443"], &[], trusted).as_deref(), Some("2001:db8::7"));
        assert_eq!(client("10.0.0.1", &["1.2.3.4:55"], &[], trusted).as_deref(), Some("1.2.3.4"));
        let forwarded = &["for=1.1.1.1, For=\"[2001:db8::7]:4711\";proto=https"];
        assert_eq!(client("::ffff:10.0.0.1", &[], forwarded, trusted).as_deref(), Some("2001:db8::7"));
    }
}
