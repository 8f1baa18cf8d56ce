//! Owns the changes of the file, as they are ordered from the journal. Does not know rows or tables.

use super::joined::Noted;
use super::marks::Marked;
use super::memory::{Tombstone, UserMark};
use super::users::Deletion;
use crate::authority::audit_store::KeptEntry;
use crate::authority::ports::{KeptAttributes, KeptCallerKey, KeptMintKeys, KeptUser};
use crate::session::caller::CallerKeyId;
use crate::session::key::{AnswerKey, LoginKey, LogoutTokenKey, ProviderSessionKey, SessionKey, TenantNumber, UserKey};
use crate::session::time::Timestamp;

/// One change of the file.
pub enum Change {
    /// A new session.
    AddSession { key: SessionKey, expires: Timestamp, tokens_end: Timestamp, record: Vec<u8>, tokens: Option<Vec<u8>> },
    /// A session's record as it is now, and new tokens if there are any. Does nothing when the session is gone.
    UpdateSession { key: SessionKey, record: Vec<u8>, tokens: Option<Vec<u8>> },
    /// A session goes, with its tokens.
    DropSession(SessionKey),
    /// A tombstone as it is now.
    PutTombstone(SessionKey, Tombstone),
    /// A tombstone's time is over.
    DropTombstone(SessionKey),
    /// A user's mark as it is now.
    PutMark(UserKey, UserMark),
    /// A mark's time is over.
    DropMark(UserKey),
    /// A not-before mark as it is now.
    PutNotBefore(Marked, UserMark),
    /// A not-before mark's time is over.
    DropNotBefore(Marked),
    /// A login as it is now.
    PutLogin(LoginKey, Vec<u8>),
    /// A login's time is over.
    DropLogin(LoginKey),
    /// What an application keeps with a session, as it is now. Does nothing when the session is gone.
    PutAttributes(SessionKey, KeptAttributes),
    /// A user's record as it is now.
    PutUser(UserKey, KeptUser),
    /// A user's record goes.
    DropUser(UserKey),
    /// A user was deleted: when, and until when that is remembered.
    PutDeletion(UserKey, Deletion),
    /// The time of a deletion's note is over.
    DropDeletion(UserKey),
    /// A session belongs to one of the provider's own: since when, and until when that is remembered.
    PutJoined((ProviderSessionKey, SessionKey), Noted),
    /// That a session belongs to one of the provider's own is forgotten.
    DropJoined((ProviderSessionKey, SessionKey)),
    /// One of the provider's own sessions has ended: when, and until when that is remembered.
    PutJoinedEnd(ProviderSessionKey, Noted),
    /// The time of such a note is over.
    DropJoinedEnd(ProviderSessionKey),
    /// A logout token was carried out, and until when that is remembered.
    PutSpent(LogoutTokenKey, Timestamp),
    /// The time of such a note is over.
    DropSpent(LogoutTokenKey),
    /// The answer to a call with an idempotency key: until when it is kept, the hash of its request, what is sealed.
    PutAnswer(AnswerKey, Timestamp, [u8; 16], Vec<u8>),
    /// The time of such an answer is over.
    DropAnswer(AnswerKey),
    /// A tenant's mint keys as they are now, and their end.
    PutMintKeys(TenantNumber, Timestamp, KeptMintKeys),
    /// The time of a tenant's mint keys is over.
    DropMintKeys(TenantNumber),
    /// An audit entry, and until when it is kept.
    AddEntry(TenantNumber, Timestamp, KeptEntry),
    /// All of a tenant's audit entries go.
    DropEntries(TenantNumber),
    /// Audit entries that are past their end by then go.
    SweepEntries(Timestamp),
    /// A caller's key.
    PutCallerKey(CallerKeyId, KeptCallerKey),
    /// A caller's key was revoked, or has ended.
    DropCallerKey(CallerKeyId),
}
