//! What differs between CalDAV servers in general and Apple's.

use std::time::Duration;

use engine::provider::ProviderKind;
use ical::ObjectStyle;

use super::icloud;
use crate::Error;
use crate::http::{LONG_WAIT, RateLimits};

/// The limits for a server of which nothing is known.
const LIMITS: RateLimits = RateLimits {
    parallel: 8,
    spacing: Duration::ZERO,
    doubling: false,
    patience: LONG_WAIT,
    persistent: true,
};

/// The kind of a CalDAV server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// Any server (RFC 4791).
    Generic,
    /// Apple's server.
    ICloud,
}

impl Flavour {
    /// The limits of requests.
    pub(super) fn limits(self) -> RateLimits {
        match self {
            Self::Generic => LIMITS,
            Self::ICloud => icloud::LIMITS,
        }
    }

    /// How many writes may be under way at once.
    pub(super) fn parallel_writes(self) -> usize {
        match self {
            Self::Generic => LIMITS.parallel,
            Self::ICloud => icloud::PARALLEL_WRITES,
        }
    }

    /// How copies are written.
    pub(super) fn object_style(self) -> ObjectStyle {
        match self {
            Self::Generic => ObjectStyle::default(),
            Self::ICloud => icloud::OBJECT_STYLE,
        }
    }

    /// The name in the key of an account's rate limit.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Generic => ProviderKind::Caldav.as_str(),
            Self::ICloud => ProviderKind::Icloud.as_str(),
        }
    }
}

impl TryFrom<ProviderKind> for Flavour {
    type Error = Error;

    /// # Errors
    /// [`Error::Address`] for a provider that does not speak CalDAV.
    fn try_from(kind: ProviderKind) -> Result<Self, Error> {
        match kind {
            ProviderKind::Caldav => Ok(Self::Generic),
            ProviderKind::Icloud => Ok(Self::ICloud),
            // Google has an API of its own, and its CalDAV accepts no passwords.
            ProviderKind::Google => Err(Error::Address(
                "a Google account is not reached over CalDAV; connect it with `calrelay account \
                add google`"
                    .into(),
            )),
            ProviderKind::Microsoft => Err(Error::Address(
                "a Microsoft account is not reached over CalDAV; connect it with `calrelay \
                account add microsoft`"
                    .into(),
            )),
        }
    }
}
