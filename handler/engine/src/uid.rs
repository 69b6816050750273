//! The hash of an iCalendar UID, by which an event is known wherever it is seen.

use aws_lc_rs::digest;
use data_encoding::BASE64URL_NOPAD;
use serde::{Deserialize, Serialize};

/// Enough for the events of a calendar, and short enough for a mark on one line.
const SIZE: usize = 8;

/// Keeps these hashes apart from every other use of SHA-256.
const CONTEXT: &[u8] = b"calrelay origin uid\0";

/// A hash of a UID. It has no key, so that a copy is known by an installation that has lost its
/// keys, and by another one; a UID is no content.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct UidHash([u8; SIZE]);

impl UidHash {
    /// Of this UID, as long as it may be; `None` of an empty one.
    pub fn of(uid: &str) -> Option<Self> {
        let uid = uid.trim();
        if uid.is_empty() {
            return None;
        }
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(CONTEXT);
        context.update(uid.as_bytes());
        let mut hash = [0; SIZE];
        hash.copy_from_slice(&context.finish().as_ref()[..SIZE]);
        Some(Self(hash))
    }
}

impl std::fmt::Debug for UidHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&String::from(*self))
    }
}

impl From<UidHash> for String {
    fn from(hash: UidHash) -> Self {
        BASE64URL_NOPAD.encode(&hash.0)
    }
}

impl TryFrom<&str> for UidHash {
    type Error = &'static str;
    fn try_from(text: &str) -> Result<Self, Self::Error> {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| "not the hash of a UID")?;
        Ok(Self(bytes.try_into().map_err(|_| "the hash of a UID in another length")?))
    }
}

impl TryFrom<String> for UidHash {
    type Error = &'static str;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::try_from(text.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uid_has_one_hash_of_one_size_and_an_empty_one_has_none() {
        let (one, long) =
            (UidHash::of("a@example.org").unwrap(), UidHash::of(&"x".repeat(5_000)).unwrap());
        assert_eq!(UidHash::of(" a@example.org\n"), Some(one), "servers trim");
        assert_ne!(UidHash::of("A@example.org"), Some(one));
        assert_eq!((String::from(one).len(), String::from(long).len()), (11, 11));
        assert_eq!(UidHash::try_from(String::from(one)), Ok(one));
        assert_eq!(UidHash::of("  "), None);
        // Written into calendars: it may not change with a new version.
        assert_eq!(String::from(one), "Rw6iwDkNqmQ");
    }
}
