//! Whether the providers accept this program itself: its registration, and its secret.

use super::time_limit::{sentence, with_timeout};
use crate::setup::Finding;
use crate::{Connect, Error};

/// Asks the providers whether they accept this program, where that is not known. A finding for each
/// provider that did not answer.
pub async fn check(connect: &dyn Connect) -> Vec<Finding> {
    let asked = async { Ok(connect.check_clients().await) };
    let Ok(unanswered) = with_timeout(asked).await else {
        return vec![Finding::bad(
            "client",
            "No provider said in time whether it accepts this program.",
            "Check the network, and the address of the provider's sign-in in the settings.",
        )];
    };
    let finding = |(kind, error)| {
        Finding::bad(
            &format!("client:{kind}"),
            format!(
                "It is not known whether the provider accepts this program. {}",
                sentence(&Error::Provider(error))
            ),
            "Check the network, and the address of the provider's sign-in in the settings.",
        )
    };
    unanswered.into_iter().map(finding).collect()
}

/// A finding for each provider that refused this program when it asked for a token last. The state
/// of no account follows from that.
pub fn findings(connect: &dyn Connect) -> Vec<Finding> {
    let refused = connect.refused_clients();
    refused.into_iter().map(|(kind, words)| {
        Finding::bad(
            &format!("client:{kind}"),
            sentence(&Error::Provider(providers::Error::Misconfigured(words))),
            "Correct the registration or the settings, and start calrelay again. No account has to \
            be connected again.",
        )
    }).collect()
}
