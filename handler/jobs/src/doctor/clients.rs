//! Whether the providers accept this program itself: its registration, and its secret.

use super::time_limit::{sentence, with_timeout};
use crate::setup::Finding;
use crate::{Connect, Error};

/// Asks the providers whether they accept this program, where that is not known.
pub async fn check(connect: &dyn Connect) {
    let asked = async {
        connect.check_clients().await;
        Ok(())
    };
    // What is not known is no finding.
    let _ = with_timeout(asked).await;
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
