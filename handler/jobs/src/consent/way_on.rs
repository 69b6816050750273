//! What a person can do after a consent that connected nothing.

use engine::provider::ProviderKind;
use providers::ConsentStep;

use super::administrator::administrator_link;
use crate::{Error, Scope};

/// The next step after a consent that connected nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WayOn {
    /// To give the consent again.
    Again,
    /// To give the consent again, and to allow all that is needed.
    AllowMore,
    /// To choose another account.
    AnotherAccount,
    /// To give the consent again, or, where the provider asked for an administrator, to send this
    /// link on.
    Declined {
        /// `None` where no link could be made.
        link: Option<String>,
    },
    /// To send this link to the administrator of the organisation, and then to give the consent
    /// again.
    AskAdministrator {
        /// `None` where no link could be made.
        link: Option<String>,
    },
    /// Nothing here: a policy of the organisation blocks the sign-in.
    BlockedByPolicy,
    /// Nothing: the operator has to correct the registration or the settings.
    SetUpWrongly,
    /// To try again later.
    Later,
}

/// The next step after this error. The answer to a link for an administrator comes to `redirect`.
pub async fn way_on(scope: &Scope, kind: ProviderKind, redirect: &str, error: &Error) -> WayOn {
    let step = match error {
        Error::Provider(error) => error.consent_step(),
        Error::Store(_) | Error::Vault(_) | Error::Request(_) => ConsentStep::Later,
        _ => ConsentStep::SetUpWrongly,
    };
    match step {
        ConsentStep::Again => WayOn::Again,
        ConsentStep::AllowMore => WayOn::AllowMore,
        ConsentStep::AnotherAccount => WayOn::AnotherAccount,
        ConsentStep::Declined => WayOn::Declined { link: link(scope, kind, redirect).await },
        ConsentStep::AskAdministrator => {
            WayOn::AskAdministrator { link: link(scope, kind, redirect).await }
        }
        ConsentStep::BlockedByPolicy => WayOn::BlockedByPolicy,
        ConsentStep::SetUpWrongly => WayOn::SetUpWrongly,
        ConsentStep::Later => WayOn::Later,
    }
}

impl WayOn {
    /// The link for an administrator, where one was made.
    pub fn link(&self) -> Option<&str> {
        match self {
            Self::Declined { link } | Self::AskAdministrator { link } => link.as_deref(),
            _ => None,
        }
    }
}

async fn link(scope: &Scope, kind: ProviderKind, redirect: &str) -> Option<String> {
    administrator_link(scope, kind, redirect).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "a link for an administrator could not be made");
        None
    })
}
