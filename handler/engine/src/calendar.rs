//! Accounts and calendars.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes the id as it was written down.
            pub fn new(id: impl Into<String>) -> Self {
                Self(id.into())
            }
            /// The id as it is stored and shown.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl std::str::FromStr for $name {
            type Err = std::convert::Infallible;
            fn from_str(s: &str) -> Result<Self, Self::Err> {
                Ok(Self::new(s))
            }
        }
    };
}

id!(
    /// An account at a provider: derived from provider, server and user name, so that another
    /// connection gets the same id.
    AccountId
);
id!(
    /// A calendar: derived from its account and its address there, so that it survives the account
    /// being connected again.
    CalendarId
);
id!(
    /// A pair.
    PairId
);

/// A calendar as its provider offers it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RemoteCalendar {
    /// Its address at the provider (CalDAV: the collection's path, percent-decoded, with a closing
    /// slash).
    pub address: String,
    /// What people call it.
    pub name: String,
    /// We may write events to it.
    pub writable: bool,
    /// The IANA zone in which its floating times are meant, if the provider says.
    #[serde(default)]
    pub zone: Option<String>,
    /// The address of the calendar at its owner, in the form of `address`, if the provider says
    /// that this one is a share.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owned_at: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_shown_as_it_was_written() {
        let id: CalendarId = "c1".parse().unwrap();
        assert_eq!((id.as_str(), id.to_string()), ("c1", "c1".to_owned()));
    }
}
