//! Owns texts that are mostly numbers written out, and are kept as those: CBOR bytes where they come back byte for byte,
//! else the text. Does not know what they name.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use minicbor::data::Type;
use minicbor::{Decode, Decoder, Encode, Encoder};
use uuid::Uuid;

/// An id: a UUID in its usual form as its 16 bytes, a number as fewer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Id(pub(super) String);

/// A network address: its 4 or 16 bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Address(pub(super) String);

impl<C> Encode<C> for Id {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        match Uuid::try_parse(&self.0) {
            Ok(uuid) if uuid.to_string() == self.0 => e.bytes(uuid.as_bytes())?.ok(),
            _ => match number(&self.0) {
                Some(bytes) => e.bytes(&bytes)?.ok(),
                None => e.str(&self.0)?.ok(),
            },
        }
    }
}

impl<'b, C> Decode<'b, C> for Id {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        if d.datatype()? == Type::String {
            return Ok(Self(d.str()?.to_owned()));
        }
        let bytes = d.bytes()?;
        if bytes.len() < 16 {
            return Ok(Self(bytes.iter().fold(0_u128, |number, byte| number << 8 | u128::from(*byte)).to_string()));
        }
        let uuid = Uuid::from_slice(bytes).map_err(minicbor::decode::Error::custom)?;
        Ok(Self(uuid.to_string()))
    }
}

/// The bytes of a text that is a number in its usual form, if they are fewer than those of a UUID.
fn number(text: &str) -> Option<Vec<u8>> {
    let number = text.parse::<u128>().ok().filter(|number| number.to_string() == text)?;
    let bytes = number.to_be_bytes();
    let first = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    bytes.get(first..).filter(|bytes| bytes.len() < 16).map(<[u8]>::to_vec)
}

impl<C> Encode<C> for Address {
    fn encode<W: minicbor::encode::Write>(
        &self,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), minicbor::encode::Error<W::Error>> {
        match self.0.parse::<IpAddr>() {
            Ok(address) if address.to_string() != self.0 => e.str(&self.0)?.ok(),
            Ok(IpAddr::V4(address)) => e.bytes(&address.octets())?.ok(),
            Ok(IpAddr::V6(address)) => e.bytes(&address.octets())?.ok(),
            Err(_) => e.str(&self.0)?.ok(),
        }
    }
}

impl<'b, C> Decode<'b, C> for Address {
    fn decode(d: &mut Decoder<'b>, _: &mut C) -> Result<Self, minicbor::decode::Error> {
        if d.datatype()? == Type::String {
            return Ok(Self(d.str()?.to_owned()));
        }
        let bytes = d.bytes()?;
        if let Ok(octets) = <[u8; 4]>::try_from(bytes) {
            return Ok(Self(Ipv4Addr::from(octets).to_string()));
        }
        let octets = <[u8; 16]>::try_from(bytes).map_err(minicbor::decode::Error::custom)?;
        Ok(Self(Ipv6Addr::from(octets).to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_comes_back_byte_for_byte() {
        let uuid = "f3a1b2c4-5d6e-4f70-8a9b-0c1d2e3f4a5b";
        let upper = uuid.to_uppercase();
        let bare = uuid.replace('-', "");
        for (text, length) in [(uuid, 17), ("108234567890123456789", 10), ("583231", 4), ("0", 1)] {
            let kept = minicbor::to_vec(Id(text.to_owned())).unwrap();
            assert_eq!((minicbor::decode::<Id>(&kept).unwrap().0.as_str(), kept.len()), (text, length));
        }
        let (largest, urn) = (u128::MAX.to_string(), format!("urn:uuid:{uuid}"));
        for text in ["", "-", "007", "+7", "7.0", &urn, &largest, &upper, &bare] {
            let kept = minicbor::to_vec(Id(text.to_owned())).unwrap();
            assert_eq!(minicbor::decode::<Id>(&kept).unwrap().0, text);
        }
        for text in ["203.0.113.7", "2001:db8::7", "::ffff:1.2.3.4", "2001:DB8::7", "", "unknown", "1.2.3.4:5"] {
            let kept = minicbor::to_vec(Address(text.to_owned())).unwrap();
            assert_eq!(minicbor::decode::<Address>(&kept).unwrap().0, text);
        }
    }
}
