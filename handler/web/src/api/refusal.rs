//! The errors for requests that are not let in.

use crate::problem::{ApiError, Code};
use crate::visitor::Refusal;

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Misdirected => Self::new(
                Code::Misdirected,
                "The request names a host that this calrelay does not have. Nothing was done. Use \
                its public address, or the name localhost on the machine itself.",
            ),
            Refusal::CrossSite => Self::new(
                Code::CrossSite,
                "Another site made the browser ask. Nothing was done. Open the address yourself.",
            ),
            Refusal::Unauthenticated { token: true } => Self::new(
                Code::Unauthenticated,
                "The token is not valid: it was removed, it has expired, or it is spelled \
                otherwise. Nothing was done. Make another token in the settings.",
            ),
            Refusal::Unauthenticated { token: false } => Self::new(
                Code::Unauthenticated,
                "The request has no token. Nothing was done. Send one as \"Authorization: Bearer\".",
            ),
            Refusal::Failed(error) => error.into(),
        }
    }
}
