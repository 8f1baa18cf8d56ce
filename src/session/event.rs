//! Owns what replicas and watchers tell each other: events, their positions, and their bytes.
//! Does not know how they travel or who hears them.

use minicbor::encode::Error;
use minicbor::{Decoder, Encoder};

use super::caller::CallerKeyId;
use super::key::{Partition, ProviderSessionKey, SessionKey, TenantNumber, UserKey};
use super::mark::{EVERY_TENANT, MarkTarget};
use super::spent::Spent;
use super::time::Timestamp;

/// The version that is written. One that is not known is read as [`What::Unknown`].
const VERSION: u8 = 1;

/// Something that has happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Whose it is; number 0: everyone's.
    pub tenant: TenantNumber,
    /// What it is.
    pub what: What,
}

/// What has happened.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum What {
    /// A session has ended.
    Revoked(SessionKey),
    /// A session has another credential.
    Rotated(SessionKey),
    /// A session has other tokens.
    Refreshed {
        /// Which session.
        session: SessionKey,
        /// The refresh token that brought them, where another came for it: it is not good any more.
        spent: Option<Spent>,
    },
    /// Something else about a session has changed.
    Changed(SessionKey),
    /// Every session that a user had has ended.
    UserRevoked(UserKey),
    /// A user may not log in any more, and every session of theirs has ended.
    UserDisabled(UserKey),
    /// A user who was disabled may log in again.
    UserEnabled(UserKey),
    /// Every session born under a lower mark has ended.
    Marked {
        /// What was marked.
        target: MarkTarget,
        /// The mark now in force.
        mark: u64,
    },
    /// The keys of a ring do something else than before at one replica, or other keys sign the tokens that are minted.
    KeysRotated,
    /// More has happened than could be told one by one: nothing of before is to be relied on.
    Reset,
    /// One of a provider's own sessions has ended, and every session that belongs to it.
    ProviderSessionEnded {
        /// Which one.
        of: ProviderSessionKey,
        /// No login makes a session of it that began by then, by the store's time.
        at: Timestamp,
    },
    /// An authority shows that what it announces is heard.
    Heartbeat {
        /// Which authority.
        author: [u8; 8],
        /// Which of its heartbeats.
        number: u64,
    },
    /// An API key that was made at run time was revoked.
    CallerRevoked(CallerKeyId),
    /// Of a later version: anything may have changed. The kind it has there.
    Unknown(u64),
}

/// A place in the event log: big-endian milliseconds and sequence number, compared as bytes. Opaque to callers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub [u8; 16]);

impl Position {
    /// The place with this time and sequence number.
    #[must_use]
    pub fn new(millis: u64, sequence: u64) -> Self {
        let mut bytes = [0; 16];
        let (first, second) = bytes.split_at_mut(8);
        first.copy_from_slice(&millis.to_be_bytes());
        second.copy_from_slice(&sequence.to_be_bytes());
        Self(bytes)
    }

    /// Its time and sequence number.
    #[must_use]
    pub fn parts(&self) -> (u64, u64) {
        let number = |bytes: &[u8]| bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte));
        let (first, second) = self.0.split_at(8);
        (number(first), number(second))
    }
}

/// Bytes that are no event of any version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an event")]
pub struct NotAnEvent;

type Encoded<'a> = Result<&'a mut Encoder<Vec<u8>>, Error<std::convert::Infallible>>;

impl Event {
    /// An event of this session.
    #[must_use]
    pub const fn of(tenant: TenantNumber, what: What) -> Self {
        Self { tenant, what }
    }

    /// Whose it is; number 0: everyone's, as when it is about everything, or an authority shows that it hears.
    #[must_use]
    pub fn whose(&self) -> TenantNumber {
        match &self.what {
            What::Marked { target, .. } => target.tenant(),
            What::Heartbeat { .. } | What::Reset | What::Unknown(_) => EVERY_TENANT,
            _ => self.tenant,
        }
    }

    /// Whether it is about no tenant in particular.
    #[must_use]
    pub fn is_everyones(&self) -> bool {
        self.whose() == EVERY_TENANT
    }

    /// Whether it is about this tenant, or about no tenant in particular.
    #[must_use]
    pub fn concerns(&self, tenant: TenantNumber) -> bool {
        let whose = self.whose();
        whose == tenant || whose == EVERY_TENANT
    }

    /// Its bytes: a CBOR array of version, tenant, kind, and what the kind has.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut encoder = Encoder::new(Vec::new());
        // Writing into memory can't fail.
        drop(self.write(&mut encoder).map(drop));
        encoder.into_writer()
    }

    fn write<'a>(&self, encoder: &'a mut Encoder<Vec<u8>>) -> Encoded<'a> {
        let tenant = self.tenant.0;
        let mut start = |kind: u64, more: u64| -> Result<(), Error<std::convert::Infallible>> {
            encoder.array(3 + more)?.u8(VERSION)?.u32(tenant)?.u64(kind)?;
            Ok(())
        };
        match &self.what {
            What::Revoked(key) => start(1, 1).map(|()| key.to_bytes().to_vec()),
            What::Rotated(key) => start(2, 1).map(|()| key.to_bytes().to_vec()),
            What::Refreshed { session, spent: None } => start(3, 1).map(|()| session.to_bytes().to_vec()),
            What::Refreshed { session, spent: Some(Spent(spent)) } => {
                start(3, 2)?;
                return encoder.bytes(&session.to_bytes())?.bytes(spent);
            }
            What::Changed(key) => start(4, 1).map(|()| key.to_bytes().to_vec()),
            What::UserRevoked(user) => start(5, 1).map(|()| user_bytes(user)),
            What::UserDisabled(user) => start(6, 1).map(|()| user_bytes(user)),
            What::Marked { target, mark } => {
                let name = match target {
                    MarkTarget::Provider(_, name) => Some(name.as_str()),
                    MarkTarget::Everything | MarkTarget::Tenant(_) => None,
                };
                start(7, 3)?;
                encoder.u32(target.tenant().0)?.u64(*mark)?;
                return match name {
                    Some(name) => encoder.str(name),
                    None => encoder.null(),
                };
            }
            What::KeysRotated => {
                start(8, 0)?;
                return Ok(encoder);
            }
            What::Heartbeat { author, number } => {
                start(9, 2)?;
                return encoder.bytes(author)?.u64(*number);
            }
            What::Reset => {
                start(10, 0)?;
                return Ok(encoder);
            }
            What::ProviderSessionEnded { of, at } => {
                start(11, 2)?;
                return encoder.bytes(&provider_session_bytes(of))?.u64(at.as_millis());
            }
            What::UserEnabled(user) => start(12, 1).map(|()| user_bytes(user)),
            What::CallerRevoked(id) => start(13, 1).map(|()| id.to_bytes().to_vec()),
            What::Unknown(kind) => {
                start(*kind, 0)?;
                return Ok(encoder);
            }
        }
        .and_then(|bytes| encoder.bytes(&bytes))
    }

    /// Reads an event. A kind or version that is not known is [`What::Unknown`].
    ///
    /// # Errors
    /// [`NotAnEvent`] for bytes that no version writes.
    pub fn read(bytes: &[u8]) -> Result<Self, NotAnEvent> {
        let mut decoder = Decoder::new(bytes);
        Self::read_from(&mut decoder).ok_or(NotAnEvent)
    }

    fn read_from(decoder: &mut Decoder<'_>) -> Option<Self> {
        let members = decoder.array().ok()??;
        let version = decoder.u8().ok()?;
        let tenant = TenantNumber(decoder.u32().ok()?);
        let kind = decoder.u64().ok()?;
        if version != VERSION {
            return Some(Self { tenant, what: What::Unknown(kind) });
        }
        let what = match kind {
            1 => What::Revoked(session(decoder)?),
            2 => What::Rotated(session(decoder)?),
            3 => What::Refreshed {
                session: session(decoder)?,
                spent: if members > 4 { Some(Spent(decoder.bytes().ok()?.try_into().ok()?)) } else { None },
            },
            4 => What::Changed(session(decoder)?),
            5 => What::UserRevoked(user(decoder)?),
            6 => What::UserDisabled(user(decoder)?),
            7 => {
                let (marked, mark) = (TenantNumber(decoder.u32().ok()?), decoder.u64().ok()?);
                let provider = decoder.decode::<Option<String>>().ok()?;
                let target = match (marked, provider) {
                    (super::mark::EVERY_TENANT, _) => MarkTarget::Everything,
                    (tenant, None) => MarkTarget::Tenant(tenant),
                    (tenant, Some(name)) => MarkTarget::Provider(tenant, name),
                };
                What::Marked { target, mark }
            }
            8 => What::KeysRotated,
            9 => {
                let author = decoder.bytes().ok()?.try_into().ok()?;
                What::Heartbeat { author, number: decoder.u64().ok()? }
            }
            10 => What::Reset,
            11 => {
                let of = provider_session(decoder)?;
                What::ProviderSessionEnded { of, at: Timestamp::from_millis(decoder.u64().ok()?) }
            }
            12 => What::UserEnabled(user(decoder)?),
            13 => What::CallerRevoked(CallerKeyId::from_bytes(decoder.bytes().ok()?)?),
            kind => What::Unknown(kind),
        };
        Some(Self { tenant, what })
    }
}

fn session(decoder: &mut Decoder<'_>) -> Option<SessionKey> {
    SessionKey::from_bytes(decoder.bytes().ok()?)
}

fn provider_session_bytes(of: &ProviderSessionKey) -> Vec<u8> {
    [&of.tenant.0.to_be_bytes(), of.partition.number().to_be_bytes().as_slice(), &of.id].concat()
}

fn provider_session(decoder: &mut Decoder<'_>) -> Option<ProviderSessionKey> {
    let SessionKey { tenant, partition, id } = session(decoder)?;
    Some(ProviderSessionKey { tenant, partition, id })
}

fn user_bytes(user: &UserKey) -> Vec<u8> {
    [&user.tenant.0.to_be_bytes(), user.partition.number().to_be_bytes().as_slice(), &user.hash].concat()
}

fn user(decoder: &mut Decoder<'_>) -> Option<UserKey> {
    let (tenant, rest) = decoder.bytes().ok()?.split_first_chunk::<4>()?;
    let (number, hash) = rest.split_first_chunk::<2>()?;
    let partition = Partition::new(u16::from_be_bytes(*number))?;
    Some(UserKey { tenant: TenantNumber(u32::from_be_bytes(*tenant)), partition, hash: hash.try_into().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: TenantNumber = TenantNumber(7);

    /// Every kind in version 1, as it was written once: replicas of several versions share a log.
    const GOLDEN: &str = "84010701560000000702c2f717b7ec62f9842dd9b82d745bc0ed48 84010702560000000702c2f717b7ec62f9842dd9b82d745bc0ed48 \
        84010703560000000702c2f717b7ec62f9842dd9b82d745bc0ed48 \
        85010703560000000702c2f717b7ec62f9842dd9b82d745bc0ed48480808080808080808 84010704560000000702c2f717b7ec62f9842dd9b82d745bc0ed48 \
        84010705500000000702c2870492dc79b9c5a76148 84010706500000000702c2870492dc79b9c5a76148 \
        86010707001b000001a3185c5000f6 86010707071b000001a3185c5000f6 \
        86010707071b000001a3185c500066676f6f676c65 83010708 \
        8501070948030303030303030304 8301070a \
        8501070b5600000007034957a96150f094d23db187d28f774a252f1b000001a3185c5000 \
        8401070c500000000702c2870492dc79b9c5a76148 \
        8401070d5000000007060606060606060606060606";

    fn every_kind() -> [What; 16] {
        let user = UserKey::of(TENANT, "https://a", "b");
        let key = SessionKey::of(TENANT, user.partition, &[9; 16]);
        let mark = |target| What::Marked { target, mark: 1_800_000_000_000 };
        [
            What::Revoked(key),
            What::Rotated(key),
            What::Refreshed { session: key, spent: None },
            What::Refreshed { session: key, spent: Some(Spent([8; 8])) },
            What::Changed(key),
            What::UserRevoked(user),
            What::UserDisabled(user),
            mark(MarkTarget::Everything),
            mark(MarkTarget::Tenant(TENANT)),
            mark(MarkTarget::Provider(TENANT, "google".into())),
            What::KeysRotated,
            What::Heartbeat { author: [3; 8], number: 4 },
            What::Reset,
            What::ProviderSessionEnded {
                of: ProviderSessionKey::of(TENANT, "google", "sid"),
                at: Timestamp::from_millis(1_800_000_000_000),
            },
            What::UserEnabled(user),
            What::CallerRevoked(CallerKeyId { tenant: TENANT, id: [6; 12] }),
        ]
    }

    #[test]
    fn golden_bytes() {
        let byte = |text: &str, at| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
        let bytes = |text: &str| (0..text.len()).step_by(2).map(|at| byte(text, at)).collect::<Vec<_>>();
        let written = every_kind().map(|what| Event { tenant: TENANT, what }.to_bytes());
        assert_eq!(written.to_vec(), GOLDEN.split(' ').map(bytes).collect::<Vec<_>>());
    }

    #[test]
    fn every_kind_reads_back() {
        for what in every_kind() {
            let event = Event { tenant: TENANT, what };
            let bytes = event.to_bytes();
            assert_eq!(Event::read(&bytes), Ok(event.clone()));
            for len in 0..bytes.len() {
                assert_eq!(Event::read(&bytes[..len]), Err(NotAnEvent), "{event:?}");
            }
        }
    }

    #[test]
    fn what_a_later_version_says_survives_as_unknown() {
        // [1, 7, 99, "more"], [2, 7, 1, "other form"]
        for (bytes, kind) in [(&[0x84, 1, 7, 0x18, 99, 0x61, b'm'][..], 99), (&[0x84, 2, 7, 1, 0x61, b'o'], 1)] {
            assert_eq!(Event::read(bytes), Ok(Event { tenant: TENANT, what: What::Unknown(kind) }));
        }
    }

    #[test]
    fn positions_compare_as_they_follow_each_other() {
        let places = [(0, 0), (0, 9), (1, 0), (1, 255), (1, 256), (256, 0)].map(|(at, n)| Position::new(at, n));
        assert!(
            places.is_sorted() && places.iter().all(|place| Position::new(place.parts().0, place.parts().1) == *place)
        );
    }
}
