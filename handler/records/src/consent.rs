//! Consents that have begun, invitations, and requests to administrators: rows that live for a week
//! at most.
//!
//! They are in [`store::Table::Secrets`], each kind in a partition of its own beside that of the
//! owner, under the hash of a secret that storage does not have. A row of another version is not
//! read: its consent is begun again.

use engine::calendar::AccountId;
use engine::provider::ProviderKind;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// The version that is written, and the only one that is read.
const VERSION: u32 = 1;

/// A consent that waits for the provider's answer, in the partition `consent:OWNER`.
#[derive(Serialize, Deserialize)]
pub struct PendingConsentRecord {
    pub provider: ProviderKind,
    pub redirect: String,
    /// The hash of the browser's cookie.
    pub browser: String,
    /// The PKCE verifier, sealed for this row.
    pub verifier: String,
    pub begun: Timestamp,
    /// An invitation was accepted for the consent, and is then used up.
    #[serde(default)]
    pub invited: bool,
    /// The consent was begun on a page of a visitor who is known, and ends there.
    #[serde(default)]
    pub from_page: bool,
    /// The account that is to be connected again, and no other one.
    #[serde(default)]
    pub expected: Option<AccountId>,
}

/// An invitation, in the partition `invitation:OWNER`.
#[derive(Clone, Serialize, Deserialize)]
pub struct InvitationRecord {
    pub provider: ProviderKind,
    pub made: Timestamp,
    /// A browser has accepted the invitation.
    pub bound: bool,
}

/// A request to the administrator of an organisation, in the partition `administrator:OWNER`.
#[derive(Serialize, Deserialize)]
pub struct AdministratorRecord {
    pub provider: ProviderKind,
    pub asked: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct Versioned<T> {
    v: u32,
    #[serde(flatten)]
    row: T,
}

/// The stored form of one of these rows.
pub fn encode<T: Serialize>(row: &T) -> Result<String> {
    serde_json::to_string(&Versioned { v: VERSION, row })
        .map_err(|error| Error::Damaged(format!("a row cannot be encoded: {error}")))
}

/// Reads one of these rows; `None` for another form or version.
pub fn decode<T: DeserializeOwned>(value: &str) -> Option<T> {
    serde_json::from_str::<Versioned<T>>(value)
        .ok()
        .filter(|stored| stored.v == VERSION)
        .map(|stored| stored.row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stored_form_has_a_version_and_another_version_is_not_read() {
        let row = InvitationRecord {
            provider: ProviderKind::ALL[0],
            made: Timestamp::UNIX_EPOCH,
            bound: true,
        };
        let text = encode(&row).unwrap();
        assert_eq!(
            text,
            r#"{"v":1,"provider":"caldav","made":"1970-01-01T00:00:00Z","bound":true}"#
        );
        assert!(decode::<InvitationRecord>(&text).is_some_and(|row| row.bound));
        for other in [text.replace("\"v\":1", "\"v\":2"), text.replace("\"v\":1,", ""), "x".into()]
        {
            assert!(decode::<InvitationRecord>(&other).is_none(), "{other}");
        }
    }
}
