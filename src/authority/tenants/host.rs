//! Owns how a host is written and compared: without case, with or without its port. Does not know whose it is.

use crate::session::origin::Origin;

/// A host as it is looked up; `None` for what is no host: letters, digits and `-._`, an IPv6 address in brackets, perhaps
/// a port.
#[must_use]
pub fn written(text: &str) -> Option<String> {
    let (name, port) = without_port(text.as_bytes()).map_or((text, None), |name| {
        let name = text.get(..name.len()).unwrap_or_default();
        (name, text.get(name.len() + 1..))
    });
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    let bracketed = |text: &str| text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).map(str::to_owned);
    let fits = match bracketed(name) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => !name.is_empty() && name.len() <= 253 && name.bytes().all(plain),
    };
    let port_fits = port.is_none_or(|port| port.parse::<u16>().is_ok());
    (fits && port_fits).then(|| text.to_ascii_lowercase())
}

/// The host of an origin, with its port where that is not the scheme's own.
#[must_use]
pub fn of(origin: &Origin) -> String {
    origin.as_str().split_once("://").map_or_else(String::new, |(_, host)| host.to_ascii_lowercase())
}

/// What precedes the port, where there is one.
#[must_use]
pub fn without_port(host: &[u8]) -> Option<&[u8]> {
    let colon = host.iter().rposition(|byte| *byte == b':')?;
    let (name, port) = host.split_at_checked(colon)?;
    let digits = port.get(1..)?;
    let is_port = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    let is_whole = !name.contains(&b':') || name.ends_with(b"]");
    (is_port && is_whole).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_one_name_or_address_perhaps_with_a_port() {
        let table = [
            ("Acme.Example.com", Some("acme.example.com")),
            ("acme.example.com:8443", Some("acme.example.com:8443")),
            ("[2001:DB8::1]:8000", Some("[2001:db8::1]:8000")),
            ("[::1]", Some("[::1]")),
            ("192.0.2.7", Some("192.0.2.7")),
            ("", None),
            (":80", None),
            ("a:b", None),
            ("a:99999", None),
            ("::1", None),
            ("https://acme.example.com", None),
            ("acme.example.com/", None),
            ("*.example.com", None),
            ("a b", None),
        ];
        for (text, expected) in table {
            assert_eq!(written(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_port_is_told_from_an_address() {
        let table: [(&[u8], Option<&[u8]>); 5] =
            [(b"a:80", Some(b"a")), (b"[::1]:80", Some(b"[::1]")), (b"[::1]", None), (b"::1", None), (b"a:", None)];
        for (host, expected) in table {
            assert_eq!(without_port(host), expected);
        }
    }
}
