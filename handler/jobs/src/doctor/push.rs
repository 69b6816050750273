//! Providers that call us: do they, and could they?

use super::time_limit::with_timeout;
use crate::setup::Finding;
use crate::{Scope, watches};

const CHECK: &str = "push";

/// Calendars that are named; the others are counted.
const MAX_NAMED: usize = 20;

/// Nothing where no pair has such a calendar, or where storage does not say, which is told by its
/// own check.
pub async fn findings(scope: &Scope) -> Vec<Finding> {
    let Ok(states) = with_timeout(watches::states(scope)).await else { return Vec::new() };
    if states.is_empty() {
        return Vec::new();
    }
    let (all, open) = (states.len(), states.iter().filter(|state| state.open).count());
    if scope.setup.public_url.is_none() && open == 0 {
        // No mistake where everything is done by `calrelay sync`.
        return vec![Finding::good(
            CHECK,
            "Google is not asked to tell of changes, as CALRELAY_PUBLIC_URL is not set. They are \
            seen by the nightly pass of a running calrelay, and \
             by `calrelay sync`. To see them within seconds, set it to the address (https://…) \
             under which this calrelay is reached from outside.",
        )];
    }
    let mut findings = vec![Finding::good(
        CHECK,
        format!("Google tells of changes in {open} of {all} paired calendars."),
    )];
    for state in states.iter().filter(|state| !state.open).take(MAX_NAMED) {
        let check = format!("{CHECK}:{}", state.calendar);
        let (code, message) = state
            .error
            .as_ref()
            .map_or(("", ""), |error| (error.code.as_str(), error.message.as_str()));
        findings.push(match code {
            // Nobody can mend that.
            "no_push" => Finding::good(&check, message),
            // A running calrelay does it by itself.
            "no_channel" => Finding::good(&check, message),
            _ => Finding::bad(
                &check,
                message,
                "It is tried again every hour. Check that CALRELAY_PUBLIC_URL is reached from \
                outside, over https, and see the account.",
            ),
        });
    }
    findings
}
