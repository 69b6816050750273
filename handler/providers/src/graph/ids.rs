//! UUIDs (RFC 9562): random ones for requests, and those that follow from a copy's UID.

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::HEXLOWER;

use crate::{Error, Result};

/// Keeps these hashes apart from every other use of SHA-256.
const CONTEXT: &[u8] = b"calrelay transaction\0";

/// A random one (version 4).
pub(super) fn random() -> Result<String> {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes)
        .map_err(|_| Error::Unreachable("this machine has no random numbers".into()))?;
    Ok(uuid(bytes, 4))
}

/// The `transactionId` of the copy with this UID (version 8): the same at every try, so that a
/// create whose answer was lost makes no second event.
pub(super) fn transaction(uid: &str) -> String {
    let hash = digest(&SHA256, &[CONTEXT, uid.as_bytes()].concat());
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.as_ref()[..16]);
    uuid(bytes, 8)
}

fn uuid(mut bytes: [u8; 16], version: u8) -> String {
    bytes[6] = bytes[6] & 0x0f | version << 4;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = HEXLOWER.encode(&bytes);
    [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]].join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_uid_has_one_transaction_id_and_another_has_another() {
        let id = transaction("calrelay-abc");
        assert_eq!(id, transaction("calrelay-abc"));
        assert_ne!(id, transaction("calrelay-abc-1"));
        assert_eq!((id.len(), &id[14..15]), (36, "8"));
        assert!(matches!(&id[19..20], "8" | "9" | "a" | "b"));
        // Stored by Microsoft: it may not change with a new version.
        assert_eq!(id, "46d370e9-216f-8fff-ad61-c668fd69b251");
    }

    #[test]
    fn no_two_requests_have_one_id() {
        let (one, other) = (random().unwrap(), random().unwrap());
        assert_ne!(one, other);
        assert_eq!((one.len(), &one[14..15]), (36, "4"));
    }
}
